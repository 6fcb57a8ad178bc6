// All elementary functions of packs.
#pragma once

#include "fastloss/simd/exp.hpp"
#include "fastloss/simd/log.hpp"
#include "fastloss/simd/softplus.hpp"
