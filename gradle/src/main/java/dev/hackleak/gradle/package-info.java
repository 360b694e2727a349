/**
 * The Gradle plugin {@code dev.hackleak}.
 *
 * <p>It is compiled against a new Gradle and runs on an old one as well; {@link
 * dev.hackleak.gradle.TaskSet} is where that shows.
 */
package dev.hackleak.gradle;
