/**
 * JUnit 4 tests that fail when they leak native memory: {@link dev.hackleak.junit4.NoLeaksRule}.
 */
package dev.hackleak.junit4;
