// The names of what one instruction set exports: FASTLOSS_KERNEL_TABLE, which the build defines, with the name of a part.
#pragma once

#define FASTLOSS_JOIN_(A, B) A##_##B
#define FASTLOSS_JOIN(A, B) FASTLOSS_JOIN_(A, B)
