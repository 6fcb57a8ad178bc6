// All elementary functions of packs.
#pragma once

#include "fastloss/simd/bessel.hpp"
#include "fastloss/simd/erf.hpp"
#include "fastloss/simd/exp.hpp"
#include "fastloss/simd/gamma.hpp"
#include "fastloss/simd/hyperbolic.hpp"
#include "fastloss/simd/log.hpp"
#include "fastloss/simd/pow.hpp"
#include "fastloss/simd/roots.hpp"
#include "fastloss/simd/softplus.hpp"
#include "fastloss/simd/trig.hpp"
