// Native half of ForeignFunctions.java.
#include "victim.h"

extern "C" void foreign_plant(int64_t bytes) {
  plant(static_cast<size_t>(bytes));
  asm volatile("");
}

extern "C" void foreign_call_back(void (*back)()) {
  back();
  asm volatile("");
}
