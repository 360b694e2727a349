package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import org.junit.jupiter.api.Test;

class DocumentationTest {
  @Test
  void everyPropertyIsDocumented() throws Exception {
    String manual =
        new String(Files.readAllBytes(Paths.get("../../docs/java.md")), StandardCharsets.UTF_8);
    for (Field field : Settings.class.getDeclaredFields()) {
      if (field.getType() == String.class) {
        String property = (String) field.get(null);
        assertTrue(manual.contains("`" + property + "`"), property);
      }
    }
  }
}
