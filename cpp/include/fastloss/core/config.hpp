// Compiler and target facts that everything else builds on.
//
// Code whose meaning depends on target flags (packs, duals, math, loss formulas, kernels) lives in an inline
// namespace named after the instruction set it is compiled for and is always inlined. Otherwise the linker merges
// an AVX-512 copy of an inline function with its baseline twin, and an older machine dies of an illegal instruction.
#pragma once

#if defined(__CUDACC__)
#define FASTLOSS_FN __host__ __device__ __forceinline__
#define FASTLOSS_CALLED __host__ __device__ __noinline__
#define FASTLOSS_ISA cuda
#else
#define FASTLOSS_FN __attribute__((always_inline)) inline
#define FASTLOSS_CALLED __attribute__((noinline))
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define FASTLOSS_ISA v4
#define FASTLOSS_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define FASTLOSS_ISA v3
#define FASTLOSS_VECTOR_BYTES 32
#elif defined(__SSE4_2__)
#define FASTLOSS_ISA v2
#define FASTLOSS_VECTOR_BYTES 16
#elif defined(__aarch64__)
#define FASTLOSS_ISA neon
#define FASTLOSS_VECTOR_BYTES 16
#else
#define FASTLOSS_ISA base
#define FASTLOSS_VECTOR_BYTES 16
#endif
#endif

#define FASTLOSS_STRINGIFY_(x) #x
#define FASTLOSS_STRINGIFY(x) FASTLOSS_STRINGIFY_(x)
#define FASTLOSS_ISA_NAME FASTLOSS_STRINGIFY(FASTLOSS_ISA)

// Symbols that C++ users and the Python module link against; everything else is hidden.
#define FASTLOSS_API __attribute__((visibility("default")))
