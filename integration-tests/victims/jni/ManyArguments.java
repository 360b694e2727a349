import dev.hackleak.HackLeak;

/**
 * Native methods with more arguments than registers, of every type, static or not, and every return type. Prints what
 * arrives; the recorded run must print what the bare run prints.
 */
public class ManyArguments {
  final int field = 5;

  static native double mixed(
      int i0, double d0, int i1, double d1, int i2, double d2, int i3, double d3, int i4, double d4, int i5, double d5,
      int i6, double d6, int i7, double d7, int i8, double d8, int i9, double d9);

  static native long integers(
      byte a, short b, char c, int d, long e, boolean f, byte g, short h, char i, int j, long k, boolean l);

  static native float floats(
      float a, float b, float c, float d, float e, float f, float g, float h, float i, float j, double k);

  native String text(String a, int b, Object c, long d, String e, double f, String g);

  native int field(long a, long b, long c, long d, long e);

  static native byte returnByte(byte value);

  static native short returnShort(short value);

  static native char returnChar(char value);

  static native boolean returnBoolean(boolean value);

  static native int returnInt(int value);

  static native long returnLong(long value);

  static native float returnFloat(float value);

  static native double returnDouble(double value);

  static native Object returnObject(Object value);

  static native void returnNothing(int[] into, int value);

  public static void main(String[] args) {
    HackLeak.isActive();
    System.load(System.getProperty("victim.library"));
    int repetitions = Integer.parseInt(args[0]); // enough to have the calls compiled
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < repetitions; i++) {
      out.setLength(0);
      once(out);
    }
    System.out.print(out);
  }

  static void once(StringBuilder out) {
    out.append(
            mixed(
                1, 0.5, 20, 1.25, 300, 2.125, 4000, 3.5, 50000, 4.75, 600000, 5.5, 7000000, 6.25, 80000000, 7.125,
                900000000, 8.0625, -1000000000, 9.03125))
        .append('\n');
    out.append(
            integers(
                (byte) -1, (short) -2, '\uffff', Integer.MIN_VALUE, Long.MIN_VALUE, true, (byte) 127, (short) 32767, 'x',
                Integer.MAX_VALUE, Long.MAX_VALUE, false))
        .append('\n');
    out.append(floats(1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 9f, 10f, 11.5)).append('\n');
    ManyArguments self = new ManyArguments();
    out.append(self.text("one", 2, "three", 4L, "five", 6.5, "seven")).append('\n');
    out.append(self.field(1, 2, 3, 4, 5)).append('\n');
    out.append(returnByte((byte) -100)).append(' ').append(returnShort((short) -30000)).append(' ');
    out.append((int) returnChar('\ubeef')).append(' ').append(returnBoolean(true)).append(returnBoolean(false));
    out.append(' ').append(returnInt(-2000000000)).append(' ').append(returnLong(-9000000000000000000L)).append(' ');
    out.append(returnFloat(1.5f)).append(' ').append(returnDouble(-2.25)).append(' ');
    out.append(returnObject("object")).append('\n');
    int[] into = new int[1];
    returnNothing(into, 77);
    out.append(into[0]).append('\n');
  }
}
