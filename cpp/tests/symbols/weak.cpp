namespace fastloss {
template <class T>
T doubled(T x) {
  return x + x;
}
struct kernel_table {
  float (*doubled)(float);
};
extern const kernel_table fastloss_kernels_v2;
const kernel_table fastloss_kernels_v2 = {doubled<float>};
}  // namespace fastloss
