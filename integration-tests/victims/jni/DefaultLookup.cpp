// Has no native half: the C library's functions are called from Java.
