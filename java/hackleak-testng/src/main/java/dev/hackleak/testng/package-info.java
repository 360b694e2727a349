/** TestNG tests that fail when they leak native memory: {@link dev.hackleak.testng.NoLeaks}. */
package dev.hackleak.testng;
