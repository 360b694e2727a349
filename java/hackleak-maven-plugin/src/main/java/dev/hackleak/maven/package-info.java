/**
 * The Maven plugin: {@link dev.hackleak.maven.Participant} changes how Surefire and Failsafe start
 * their JVMs, before anything is built; the goals unpack, report and check.
 */
package dev.hackleak.maven;
