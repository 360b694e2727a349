package dev.hackleak.spark;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** An executor, and what it has told. */
final class ToldExecutor {
  Map<?, ?> start;
  Map<?, ?> judged;
  Map<?, ?> end;

  Map<?, ?> end() {
    return end == null ? new LinkedHashMap<>() : end;
  }

  boolean isRecorded() {
    return start == null || !start.containsKey(Message.REASON);
  }

  boolean fails() {
    return Boolean.TRUE.equals(end().get(Message.FAILS));
  }

  boolean isComplete() {
    return !missing().isPresent() && Message.list(end(), Message.INCOMPLETE).isEmpty();
  }

  /** Why nothing is known of it, if that is so. */
  Optional<String> missing() {
    if (!isRecorded()) {
      return Optional.of("was not recorded: " + Message.text(start, Message.REASON));
    }
    if (end == null) {
      String image = start == null ? "" : Message.text(start, Message.IMAGE);
      return Optional.of(
          "has told nothing at its end: it was killed or still settles"
              + (image.isEmpty() ? "" : "; on its host: hackleak report " + image));
    }
    return end.containsKey(Message.REASON)
        ? Optional.of("is not judged: " + Message.text(end, Message.REASON))
        : Optional.empty();
  }

  String where() {
    return start == null
        ? ""
        : " on "
            + Message.text(start, Message.HOST)
            + ", process "
            + Message.text(start, Message.PID);
  }

  Map<String, Object> told(String id) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("id", id);
    if (start != null) {
      told.put("host", Message.text(start, Message.HOST));
      told.put("pid", Message.text(start, Message.PID));
      told.put("image", Message.text(start, Message.IMAGE));
    }
    told.put("recorded", isRecorded());
    told.put("verdict", verdict());
    missing().ifPresent(why -> told.put("missing", why));
    told.put("tasks", Message.number(end(), Message.TASKS));
    told.put("checkMillis", Message.number(end(), Message.MILLIS));
    told.put("bytes", Message.number(end(), Message.BYTES));
    told.put("blocks", Message.number(end(), Message.BLOCKS));
    told.put("incomplete", Message.list(end(), Message.INCOMPLETE));
    told.put("notes", Message.list(end(), Message.NOTES));
    return told;
  }

  private String verdict() {
    return fails() ? JobReport.LEAKS : isComplete() ? JobReport.CLEAN : JobReport.INCOMPLETE;
  }
}
