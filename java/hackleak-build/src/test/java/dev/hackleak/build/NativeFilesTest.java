package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeFilesTest {
  private static final int THREADS = 8;
  private static final int PROCESSES = 4;

  @TempDir Path folder;
  private String home;

  @BeforeEach
  void setHome() {
    home = System.getProperty("user.home");
    System.setProperty("user.home", folder.resolve("home").toString());
  }

  private Path cache() {
    return folder.resolve("home/.cache/hackleak");
  }

  /** Another place than the cache of the user. */
  private Path build() {
    return folder.resolve("build");
  }

  @AfterEach
  void restoreHome() {
    System.setProperty("user.home", home);
  }

  private static byte[] packed(String name) throws IOException {
    String resource = NativeFiles.resourceOf(Platform.current().classifier(), name);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] buffer = new byte[65536];
    try (InputStream in = NativeFilesTest.class.getResourceAsStream(resource)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        all.write(buffer, 0, count);
      }
    }
    return all.toByteArray();
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  /** There is one folder in the parent, and it is complete. */
  private static void assertUnpackedOnce(Path parent, NativeFiles files) throws IOException {
    Path only = files.library().getParent();
    assertEquals(Collections.singleton(only.getFileName().toString()), names(parent));
    assertEquals(new HashSet<>(Arrays.asList("libhackleak.so", "hackleak")), names(only));
    for (Path file : new Path[] {files.library(), files.command()}) {
      assertArrayEquals(packed(file.getFileName().toString()), Files.readAllBytes(file));
      assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    }
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(only)));
  }

  @Test
  void bothFilesAreUnpackedExecutableAndAsTheJarHasThem() throws Exception {
    Path parent = folder.resolve("not/yet/there");
    NativeFiles files = NativeFiles.unpack(parent);
    assertUnpackedOnce(cache(), files);
    Path link = parent.resolve(files.library().getParent().getFileName());
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.isSameFile(files.command(), link.resolve("hackleak")));
  }

  @Test
  void allBuildsOfAUserHaveOneCopy() throws Exception {
    NativeFiles files = NativeFiles.unpack(build());
    for (String other : new String[] {"other", "a blank", "a:colon", "a\ttab", "build"}) {
      assertEquals(files.library(), NativeFiles.unpack(folder.resolve(other)).library(), other);
    }
    assertUnpackedOnce(cache(), files);
  }

  @Test
  void theFolderSaysWhichVersionItHas() throws Exception {
    NativeFiles files = NativeFiles.in(build());
    String name = files.library().getParent().getFileName().toString();
    assertTrue(NativeFiles.version().matches("\\d+\\.\\d+\\.\\d+.*"), NativeFiles::version);
    assertTrue(name.matches("\\Q" + NativeFiles.version() + "\\E-[0-9a-f]{8}"), name);
  }

  @Test
  void askingWhereTheyAreWritesNothing() throws Exception {
    NativeFiles files = NativeFiles.in(build());
    assertEquals(Collections.emptySet(), names(folder));
    assertEquals(files.library(), NativeFiles.unpack(build()).library());
    assertEquals(files.command(), NativeFiles.unpack(build()).command());
  }

  @Test
  void aSecondCallUsesTheFilesOfTheFirst() throws Exception {
    Path library = NativeFiles.unpack(build()).library();
    BasicFileAttributes before = Files.readAttributes(library, BasicFileAttributes.class);
    NativeFiles again = NativeFiles.unpack(build());
    BasicFileAttributes after = Files.readAttributes(again.library(), BasicFileAttributes.class);
    assertEquals(library, again.library());
    assertEquals(before.fileKey(), after.fileKey());
    assertEquals(before.lastModifiedTime(), after.lastModifiedTime());
  }

  @Test
  void whatIsNotWholeIsUnpackedAnew() throws Exception {
    NativeFiles files = NativeFiles.unpack(build());
    Files.delete(files.command());
    assertUnpackedOnce(cache(), NativeFiles.unpack(build()));
    Files.write(files.library(), new byte[100]);
    assertUnpackedOnce(cache(), NativeFiles.unpack(build()));
  }

  private void old(String name, FileTime used) throws Exception {
    Path folder = Files.createDirectories(cache().resolve(name));
    Files.createFile(folder.resolve("hackleak"));
    Files.setLastModifiedTime(folder, used);
  }

  @Test
  void versionsThatNobodyUsesAreRemovedWhenAnotherComes() throws Exception {
    FileTime longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(15)));
    FileTime lately = FileTime.from(Instant.now().minus(Duration.ofDays(13)));
    String[] names = {"0.0.1-00000000", "0.1.0-SNAPSHOT-0a1b2c3d", ".unpacking-1"};
    for (String name : names) {
      old(name, longAgo);
    }
    old("0.0.2-00000000", lately);
    // Nobody but its owner knows what it is.
    old("spark", longAgo);
    old("0.0.1", longAgo);
    Path own = NativeFiles.unpack(build()).library().getParent();
    Set<String> left = names(cache());
    assertEquals(
        new HashSet<>(
            Arrays.asList("0.0.2-00000000", "spark", "0.0.1", own.getFileName().toString())),
        left);
    assertEquals(Collections.singleton("hackleak"), names(cache().resolve("spark")));
    Files.setLastModifiedTime(own, longAgo);
    NativeFiles.unpack(build());
    assertTrue(Files.getLastModifiedTime(own).compareTo(lately) > 0, "it is in use");
  }

  @Test
  void threadsThatRaceEndWithOneFolder() throws Exception {
    CyclicBarrier start = new CyclicBarrier(THREADS);
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<Path>> unpacked = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        unpacked.add(
            threads.submit(
                () -> {
                  start.await();
                  return NativeFiles.unpack(build()).library();
                }));
      }
      for (Future<Path> library : unpacked) {
        assertEquals(NativeFiles.in(build()).library(), library.get());
      }
    } finally {
      threads.shutdownNow();
    }
    assertUnpackedOnce(cache(), NativeFiles.in(build()));
  }

  @Test
  void processesThatRaceEndWithOneFolder() throws Exception {
    List<Process> processes = new ArrayList<>();
    List<BufferedReader> outputs = new ArrayList<>();
    try {
      for (int i = 0; i < PROCESSES; i++) {
        Process process =
            OtherJvm.of(Unpacker.class, build().toString(), System.getProperty("user.home"))
                .start();
        processes.add(process);
        outputs.add(
            new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
      }
      for (BufferedReader output : outputs) {
        assertEquals("ready", output.readLine());
      }
      for (Process process : processes) {
        process.getOutputStream().close();
      }
      for (int i = 0; i < PROCESSES; i++) {
        assertEquals(NativeFiles.in(build()).library().toString(), outputs.get(i).readLine());
        assertEquals(0, processes.get(i).waitFor());
      }
    } finally {
      processes.forEach(Process::destroy);
    }
    assertUnpackedOnce(cache(), NativeFiles.in(build()));
  }

  @Test
  void withoutAUsableCacheTheFilesGoToTheBuild() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    for (String unusable : new String[] {file.toString(), folder.resolve("a b").toString()}) {
      System.setProperty("user.home", unusable);
      assertUnpackedOnce(build(), NativeFiles.unpack(build()));
    }
  }

  @Test
  void withoutAnyUsableFolderBothAreNamed() {
    System.setProperty("user.home", folder.resolve("my home").toString());
    Path parent = folder.resolve("a blank");
    IOException refused = assertThrows(IOException.class, () -> NativeFiles.unpack(parent));
    String message = refused.getMessage();
    assertTrue(message.contains(parent.toString()), message);
    assertTrue(message.contains("my home/.cache/hackleak"), message);
    assertTrue(message.contains("LD_PRELOAD"), message);
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    System.setProperty("user.home", file.toString());
    IOException refused = assertThrows(IOException.class, () -> NativeFiles.unpack(file));
    assertTrue(refused.getMessage().contains(file.toString()), refused::getMessage);
  }
}
