// The parts of the kernel table of one instruction set, each in an object of its own; family.hpp declares those of the losses.
#pragma once

#include "isa/kernel_table.hpp"
#include "isa/names.hpp"

#define FASTLOSS_TILE_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, tile_operations)
#define FASTLOSS_ROW_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, row_operations)
#define FASTLOSS_ELEMENTARY_FUNCTIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, elementary_functions)
#define FASTLOSS_PRODUCT_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, product_operations)
#define FASTLOSS_REGION_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, region_operations)
#define FASTLOSS_DISTANCE_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, distance_operations)
#define FASTLOSS_EMBEDDING_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, embedding_operations)
#define FASTLOSS_SIMILARITY_OPERATIONS FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, similarity_operations)

namespace fastloss {

extern const tile_operations_of_dtypes FASTLOSS_TILE_OPERATIONS;
extern const row_operations_of_dtypes FASTLOSS_ROW_OPERATIONS;
extern const elementary_table FASTLOSS_ELEMENTARY_FUNCTIONS;
extern const product_operations_of_dtypes FASTLOSS_PRODUCT_OPERATIONS;
extern const region_operations_of_dtypes FASTLOSS_REGION_OPERATIONS;
extern const distance_operations_of_dtypes FASTLOSS_DISTANCE_OPERATIONS;
extern const embedding_operations_of_dtypes FASTLOSS_EMBEDDING_OPERATIONS;
extern const similarity_operations_of_dtypes FASTLOSS_SIMILARITY_OPERATIONS;

}  // namespace fastloss
