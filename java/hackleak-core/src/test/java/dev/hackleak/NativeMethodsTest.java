package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The recorder exports the functions of one class; a native method elsewhere would find none. */
class NativeMethodsTest {
  @Test
  void onlyTheBridgeHasNativeMethods() throws Exception {
    Path classes =
        Paths.get(HackLeak.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<Path> files;
    try (Stream<Path> walk = Files.walk(classes)) {
      files = walk.filter(file -> file.toString().endsWith(".class")).collect(Collectors.toList());
    }
    Set<String> found = new TreeSet<>();
    for (Path file : files) {
      String name = classes.relativize(file).toString().replace('/', '.');
      if (name.endsWith("package-info.class")) {
        continue;
      }
      String type = name.substring(0, name.length() - ".class".length());
      for (Method method : Class.forName(type).getDeclaredMethods()) {
        if (Modifier.isNative(method.getModifiers())) {
          found.add(type);
        }
      }
    }
    assertEquals(Collections.singleton("dev.hackleak.NativeBridge"), found);
  }
}
