// Allocates nothing.
extern "C" void leak() {}
