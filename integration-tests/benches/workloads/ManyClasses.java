import java.lang.reflect.Constructor;

/** {@code ManyClasses COUNT}: loads and uses the classes that the harness has generated, as the start of a large test suite does. */
public class ManyClasses {
  public static void main(String[] args) throws Exception {
    int count = Integer.parseInt(args[0]);
    long sum = 0;
    for (int i = 0; i < count; i++) {
      Class<?> type = Class.forName("generated.C" + i);
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      sum += ((Number) constructor.newInstance()).intValue();
    }
    if (sum != (long) count * (count - 1) / 2) {
      throw new IllegalStateException("sum " + sum);
    }
  }
}
