/** JUnit tests that fail when they leak native memory: {@link dev.hackleak.junit.NoLeaks}. */
package dev.hackleak.junit;
