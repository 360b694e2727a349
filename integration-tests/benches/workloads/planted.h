// Leaks that tools are to find, and blocks that they are not to report. The harness looks for these
// function names.
#pragma once
#include <cstdlib>

#include "workload.h"

extern "C" NOINLINE void planted_new(int size) {
  char* block = new char[size];
  KEEP(block);
}

extern "C" NOINLINE void planted_malloc(int size) {
  void* block = malloc(size);
  KEEP(block);
}

extern "C" NOINLINE void freed_twin(int size) {
  char* block = new char[size];
  KEEP(block);
  delete[] block;
}
