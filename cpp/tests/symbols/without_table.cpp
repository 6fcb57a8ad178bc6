static float doubled(float x) { return x + x; }
static float (*volatile user)(float) = doubled;
