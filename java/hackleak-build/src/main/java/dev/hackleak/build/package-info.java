/**
 * What the Maven and the Gradle plugin share: {@link dev.hackleak.build.NativeFiles} unpacks the
 * recorder and the command, {@link dev.hackleak.build.TestJvm} says how a test JVM is started, and
 * {@link dev.hackleak.build.Command} judges what was recorded.
 */
package dev.hackleak.build;
