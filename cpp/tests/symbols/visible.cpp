namespace fastloss {
float doubled(float x) { return x + x; }
struct kernel_table {
  float (*doubled)(float);
};
extern const kernel_table fastloss_kernels_v2;
const kernel_table fastloss_kernels_v2 = {doubled};
}  // namespace fastloss
