package dev.hackleak.build;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether the settings of a build can be used, asked before a test runs. Else a typing error would
 * leave tests unrecorded, or leaks in or out, and the build would pass.
 *
 * <p>What options and files may say is known to the command only, which is run once for all. Not
 * safe for use by several threads.
 */
public final class SettingsCheck {
  private final List<String> names = new ArrayList<>();
  private final List<String> questions = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();

  /**
   * Adds a setting.
   *
   * @param name what the build calls it, for people
   */
  public SettingsCheck add(String name, Setting setting, String value) {
    Optional<String> why = setting.wrong(value);
    if (why.isPresent()) {
      wrong.add(sentence(name, why.get()));
    } else {
      String asked = setting == Setting.KINDS ? kinds(value) : value;
      setting.checkedAs().ifPresent(key -> ask(name, key, asked));
    }
    return this;
  }

  /** As the command has them. */
  private static String kinds(String list) {
    return list.trim().toLowerCase(Locale.ROOT).replaceAll("[;,+\\s]+", "+");
  }

  /** Adds one of the recorder's options. */
  public SettingsCheck option(String name, String key, String value) {
    return ask(name, key, value);
  }

  /** Adds a text of the recorder's options. */
  public SettingsCheck options(String name, String text) {
    return ask(name, "options", text);
  }

  /** Adds a format of the report. */
  public SettingsCheck format(String name, String format) {
    return ask(name, "format", format.trim());
  }

  /** Adds what is known to be wrong. */
  public SettingsCheck refuse(String name, String why) {
    wrong.add(sentence(name, why));
    return this;
  }

  private SettingsCheck ask(String name, String key, String value) {
    names.add(name);
    questions.add(key + "=" + value);
    return this;
  }

  /**
   * What is wrong, a sentence each; empty if all can be used.
   *
   * @throws IOException if the command could not be run, or does not answer in its way
   */
  public List<String> wrong(Command command) throws IOException {
    List<String> all = new ArrayList<>(wrong);
    if (questions.isEmpty()) {
      return all;
    }
    Command.Result result = command.run("settings", questions);
    if (result.isClean()) {
      return all;
    }
    int answers = 0;
    for (String line : result.output().split("\n")) {
      int tab = line.indexOf('\t');
      int position = tab < 0 ? -1 : position(line.substring(0, tab));
      if (position >= 0) {
        answers++;
        all.add(sentence(names.get(position), line.substring(tab + 1)));
      }
    }
    if (answers == 0) {
      throw new IOException("the settings cannot be checked: " + result.output().trim());
    }
    return all;
  }

  private int position(String text) {
    try {
      int position = Integer.parseInt(text);
      return position < names.size() ? position : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static String sentence(String name, String why) {
    return "hackleak: " + name + " cannot be used: " + why;
  }
}
