package dev.hackleak;

import java.util.Locale;

/** What a check makes of memory that is still live, but held: see {@link LeakVerdict#HELD}. */
public enum Held {
  /**
   * What the system property {@code hackleak.held} says, and without it the recorder's option
   * {@code held}, whose default is to note it.
   */
  DEFAULT,

  /** It is a leak and fails the check. */
  FAIL,

  /** It is noted, with its holder, and fails nothing. */
  NOTE,

  /** It is left out. */
  IGNORE;

  /** The name of the choice as the reporter and the recorder know it. */
  String option() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The choice of this name, in lower case.
   *
   * @param element where it is written, for people
   * @throws IllegalArgumentException if there is none
   */
  static Held of(String element, String name) {
    for (Held held : values()) {
      if (held != DEFAULT && held.option().equals(name.trim())) {
        return held;
      }
    }
    throw new IllegalArgumentException(element + " is fail, note or ignore, not \"" + name + "\"");
  }
}
