package dev.hackleak;

import java.io.Serializable;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What was found to be leaked since a checkpoint.
 *
 * <p>Immutable and safe to share. {@link #toString()} is the report as a reader wants it, one
 * leaking site after the other.
 */
public final class LeakReport implements Serializable {
  private static final long serialVersionUID = 1;

  private final long bytes;
  private final long count;
  private final List<LeakSite> sites;
  private final List<String> notes;
  private final String json;
  private final List<String> text;

  LeakReport(
      long bytes,
      long count,
      List<LeakSite> sites,
      List<String> notes,
      String json,
      List<String> text) {
    this.bytes = bytes;
    this.count = count;
    this.sites = Immutable.copyOf(sites);
    this.notes = Immutable.copyOf(notes);
    this.json = json;
    this.text = Immutable.copyOf(text);
  }

  /** True if at least one block leaked. */
  public boolean hasLeaks() {
    return count > 0;
  }

  /** Leaked bytes, as the program requested them. */
  public long bytes() {
    return bytes;
  }

  /** Leaked blocks. */
  public long count() {
    return count;
  }

  /** The leaking sites; more than one block may belong to each. */
  public List<LeakSite> sites() {
    return sites;
  }

  /** What qualifies the figures, such as events that could not be recorded; empty is the best. */
  public List<String> notes() {
    return notes;
  }

  /** The JSON file with this report, if one was written. */
  public Optional<Path> json() {
    return Optional.ofNullable(json).map(Paths::get);
  }

  /** This report with more notes, which its text shows as well. */
  LeakReport withNotes(List<String> more) {
    if (more.isEmpty()) {
      return this;
    }
    List<String> allNotes = new ArrayList<>(notes);
    List<String> allText = new ArrayList<>(text);
    for (String note : more) {
      allNotes.add(note);
      allText.add(LeakText.note(note));
    }
    return new LeakReport(bytes, count, sites, allNotes, json, allText);
  }

  @Override
  public String toString() {
    return String.join("\n", text);
  }
}
