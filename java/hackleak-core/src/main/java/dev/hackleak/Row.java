package dev.hackleak;

/** One row of the format {@code lines}, with its fields unescaped; see {@link LinesParser}. */
final class Row {
  private final String[] fields;

  private Row(String[] fields) {
    this.fields = fields;
  }

  /**
   * @throws IllegalArgumentException if a field ends in a backslash or holds an unknown escape
   */
  static Row of(String line) {
    String[] fields = line.split("\t", -1);
    for (int i = 0; i < fields.length; i++) {
      fields[i] = unescaped(fields[i]);
    }
    return new Row(fields);
  }

  String name() {
    return fields[0];
  }

  String text(int field) {
    return fields[field];
  }

  /** A number that counts something: not below zero. */
  long number(int field) {
    long number = Long.parseLong(fields[field]);
    if (number < 0) {
      throw new IllegalArgumentException("below zero: " + number);
    }
    return number;
  }

  /** The number of a source line, 0 when it is unknown. */
  int line(int field) {
    long line = number(field);
    if (line > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("no line has the number " + line);
    }
    return (int) line;
  }

  long hex(int field) {
    String digits = fields[field];
    return Long.parseUnsignedLong(digits.startsWith("0x") ? digits.substring(2) : digits, 16);
  }

  boolean flag(int field) {
    switch (fields[field]) {
      case "0":
        return false;
      case "1":
        return true;
      default:
        throw new IllegalArgumentException("neither 0 nor 1: " + fields[field]);
    }
  }

  private static String unescaped(String field) {
    if (field.indexOf('\\') < 0) {
      return field;
    }
    StringBuilder text = new StringBuilder(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\') {
        i++;
        c = unescaped(i < field.length() ? field.charAt(i) : '\0');
      }
      text.append(c);
    }
    return text.toString();
  }

  private static char unescaped(char escape) {
    switch (escape) {
      case '\\':
        return '\\';
      case 't':
        return '\t';
      case 'n':
        return '\n';
      default:
        throw new IllegalArgumentException("a backslash before neither of \\, t, n");
    }
  }
}
