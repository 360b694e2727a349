package dev.hackleak;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import org.junit.jupiter.api.Test;

class DocumentationTest {
  @Test
  void everyPropertyIsDocumented() throws Exception {
    String manual = text("docs/java.md");
    for (Field field : SystemProperties.class.getDeclaredFields()) {
      if (field.getType() == String.class) {
        String property = (String) field.get(null);
        assertTrue(manual.contains("`" + property + "`"), property);
      }
    }
  }

  private static String text(String file) throws IOException {
    return new String(Files.readAllBytes(Paths.get("../..", file)), StandardCharsets.UTF_8);
  }
}
