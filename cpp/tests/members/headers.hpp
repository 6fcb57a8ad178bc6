// What loss.cpp includes, which run.cmake compiles once for all cases.
#include <array>

#include "fastloss/engine/loss_info.hpp"
#include "fastloss/engines/box.hpp"
#include "fastloss/engines/distance.hpp"
#include "fastloss/engines/keypoint.hpp"
#include "fastloss/engines/lovasz.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/engines/similarity.hpp"
#include "fastloss/simd/primitives.hpp"
