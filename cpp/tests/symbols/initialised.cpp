namespace fastloss {
float read_at_load();
static const float scale = read_at_load();
static float scaled(float x) { return x * scale; }
struct kernel_table {
  float (*scaled)(float);
};
extern const kernel_table fastloss_kernels_v2;
const kernel_table fastloss_kernels_v2 = {scaled};
}  // namespace fastloss
