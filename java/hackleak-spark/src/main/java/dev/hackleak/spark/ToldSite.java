package dev.hackleak.spark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** Blocks of the same stack, kind and verdict, of all executors. */
final class ToldSite {
  final String kind;
  final String verdict;
  private final String holder;
  final List<String> stack = new ArrayList<>();
  private final Sum all = new Sum();
  final Map<TaskName, Sum> tasks = new TreeMap<>();

  ToldSite(Map<?, ?> told) {
    kind = Message.text(told, Message.KIND);
    verdict = Message.text(told, Message.VERDICT);
    holder = Message.text(told, Message.HOLDER);
    Message.list(told, Message.STACK).forEach(frame -> stack.add(frame.toString()));
  }

  /** Spark makes classes at run time, whose numbers differ from one executor to the other. */
  static String identity(Map<?, ?> told) {
    return Message.text(told, Message.VERDICT)
        + '\n'
        + place(Message.text(told, Message.KIND), Message.list(told, Message.STACK));
  }

  /** The same without the verdict. */
  String place() {
    return place(kind, stack);
  }

  private static String place(String kind, List<?> stack) {
    StringBuilder identity = new StringBuilder();
    identity.append(kind).append('\n');
    for (Object frame : stack) {
      String name =
          frame.toString().replaceAll("(Lambda|Accessor|Iterator\\w*)\\$?[0-9x/a-f]+", "$1");
      identity.append(name).append('\n');
    }
    return identity.toString();
  }

  void add(Map<?, ?> told) {
    all.add(Message.number(told, Message.BYTES), Message.number(told, Message.BLOCKS));
    for (Object share : Message.list(told, Message.SHARES)) {
      if (share instanceof Map) {
        Map<?, ?> part = (Map<?, ?>) share;
        TaskName.parse(Message.text(part, Message.SCOPE))
            .ifPresent(
                task ->
                    tasks
                        .computeIfAbsent(task, any -> new Sum())
                        .add(
                            Message.number(part, Message.BYTES),
                            Message.number(part, Message.BLOCKS)));
      }
    }
  }

  /** What the tasks of a {@link TaskName#group} have of it. */
  Sum in(String group) {
    Sum sum = new Sum();
    tasks.forEach(
        (task, ofTask) -> {
          if (task.group().equals(group)) {
            sum.add(ofTask);
          }
        });
    return sum;
  }

  Sum outside() {
    Sum sum = new Sum();
    sum.add(all);
    tasks.values().forEach(task -> sum.add(-task.bytes, -task.blocks));
    return sum;
  }

  String judged() {
    return holder.isEmpty() ? "" : ", " + verdict + " by " + holder;
  }

  Map<String, Object> told(Function<TaskName, Map<String, Object>> ofTask) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("kind", kind);
    told.put("verdict", verdict);
    told.put("holder", holder);
    all.into(told);
    told.put("stack", stack);
    List<Object> each = new ArrayList<>();
    tasks.forEach(
        (task, sum) -> {
          Map<String, Object> one = ofTask.apply(task);
          sum.into(one);
          each.add(one);
        });
    told.put("tasks", each);
    return told;
  }
}
