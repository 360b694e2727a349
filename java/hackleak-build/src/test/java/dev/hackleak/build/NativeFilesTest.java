package dev.hackleak.build;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.nio.file.attribute.PosixFilePermissions;
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
  void keepHome() {
    home = System.getProperty("user.home");
  }

  @AfterEach
  void restoreHome() {
    System.setProperty("user.home", home);
  }

  private static byte[] packed(String name) throws IOException {
    String resource = "/dev/hackleak/native/linux-x86_64/" + name;
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
    assertUnpackedOnce(parent, NativeFiles.unpack(parent));
  }

  @Test
  void theFolderSaysWhichVersionItHas() throws Exception {
    NativeFiles files = NativeFiles.in(folder);
    String name = files.library().getParent().getFileName().toString();
    assertTrue(NativeFiles.version().matches("\\d+\\.\\d+\\.\\d+.*"), NativeFiles::version);
    assertTrue(name.matches("\\Q" + NativeFiles.version() + "\\E-[0-9a-f]{8}"), name);
  }

  @Test
  void askingWhereTheyAreWritesNothing() throws Exception {
    NativeFiles files = NativeFiles.in(folder);
    assertEquals(Collections.emptySet(), names(folder));
    assertEquals(files.library(), NativeFiles.unpack(folder).library());
    assertEquals(files.command(), NativeFiles.unpack(folder).command());
  }

  @Test
  void aSecondCallUsesTheFilesOfTheFirst() throws Exception {
    Path library = NativeFiles.unpack(folder).library();
    BasicFileAttributes before = Files.readAttributes(library, BasicFileAttributes.class);
    NativeFiles again = NativeFiles.unpack(folder);
    BasicFileAttributes after = Files.readAttributes(again.library(), BasicFileAttributes.class);
    assertEquals(library, again.library());
    assertEquals(before.fileKey(), after.fileKey());
    assertEquals(before.lastModifiedTime(), after.lastModifiedTime());
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
                  return NativeFiles.unpack(folder).library();
                }));
      }
      for (Future<Path> library : unpacked) {
        assertEquals(NativeFiles.in(folder).library(), library.get());
      }
    } finally {
      threads.shutdownNow();
    }
    assertUnpackedOnce(folder, NativeFiles.in(folder));
  }

  @Test
  void processesThatRaceEndWithOneFolder() throws Exception {
    List<Process> processes = new ArrayList<>();
    List<BufferedReader> outputs = new ArrayList<>();
    try {
      for (int i = 0; i < PROCESSES; i++) {
        Process process = OtherJvm.of(Unpacker.class, folder.toString()).start();
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
        assertEquals(NativeFiles.in(folder).library().toString(), outputs.get(i).readLine());
        assertEquals(0, processes.get(i).waitFor());
      }
    } finally {
      processes.forEach(Process::destroy);
    }
    assertUnpackedOnce(folder, NativeFiles.in(folder));
  }

  @Test
  void whatCannotBePreloadedGoesToTheCacheOfTheUser() throws Exception {
    System.setProperty("user.home", folder.toString());
    Path cache = folder.resolve(".cache/hackleak");
    for (String name : new String[] {"a blank", "a:colon", "a\ttab"}) {
      Path parent = folder.resolve(name);
      assertUnpackedOnce(cache, NativeFiles.unpack(parent));
      assertFalse(Files.exists(parent), name);
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
    IOException refused = assertThrows(IOException.class, () -> NativeFiles.unpack(file));
    assertTrue(refused.getMessage().contains(file.toString()), refused::getMessage);
  }
}
