// UnsafeMemory.java needs no native half.
