// Has no native half: the JDK's own is enough.
