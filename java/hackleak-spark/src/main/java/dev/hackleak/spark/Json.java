package dev.hackleak.spark;

import java.util.Iterator;
import java.util.Map;

/** Writes maps, iterables, texts, numbers and booleans as JSON. */
final class Json {
  private Json() {}

  static String of(Object value) {
    StringBuilder text = new StringBuilder();
    write(text, value, "\n");
    return text.append('\n').toString();
  }

  private static void write(StringBuilder text, Object value, String margin) {
    if (value instanceof Map) {
      Iterator<? extends Map.Entry<?, ?>> entries = ((Map<?, ?>) value).entrySet().iterator();
      text.append('{');
      while (entries.hasNext()) {
        Map.Entry<?, ?> entry = entries.next();
        text.append(margin).append("  ");
        quote(text, String.valueOf(entry.getKey()));
        text.append(": ");
        write(text, entry.getValue(), margin + "  ");
        text.append(entries.hasNext() ? "," : margin);
      }
      text.append('}');
    } else if (value instanceof Iterable) {
      Iterator<?> elements = ((Iterable<?>) value).iterator();
      text.append('[');
      while (elements.hasNext()) {
        text.append(margin).append("  ");
        write(text, elements.next(), margin + "  ");
        text.append(elements.hasNext() ? "," : margin);
      }
      text.append(']');
    } else if (value == null || value instanceof Number || value instanceof Boolean) {
      text.append(value);
    } else {
      quote(text, value.toString());
    }
  }

  private static void quote(StringBuilder text, String value) {
    text.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < ' ' || Character.isSurrogate(c)) {
        text.append(String.format("\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    text.append('"');
  }
}
