import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;

/**
 * {@code Queries URL ROWS REPEATS}: ms to insert rows, look up half of them one by one, and
 * aggregate, in a database in memory; and the thread's processor time.
 */
public class Queries {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  public static void main(String[] args) throws Exception {
    int rows = Integer.parseInt(args[1]);
    int repeats = Integer.parseInt(args[2]);
    run(args[0], rows / 4);
    for (int i = 0; i < repeats; i++) {
      long used = THREADS.getCurrentThreadCpuTime();
      System.out.println("result all " + run(args[0], rows));
      System.out.println("result all.cpu " + (THREADS.getCurrentThreadCpuTime() - used) / 1e6);
    }
  }

  static double run(String url, int rows) throws Exception {
    long start = System.nanoTime();
    try (Connection connection = DriverManager.getConnection(url)) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("create table item (id integer primary key, name varchar, price double)");
      }
      connection.setAutoCommit(false);
      try (PreparedStatement insert = connection.prepareStatement("insert into item values (?, ?, ?)")) {
        for (int i = 0; i < rows; i++) {
          insert.setInt(1, i);
          insert.setString(2, "item number " + i);
          insert.setDouble(3, i % 97);
          insert.addBatch();
        }
        insert.executeBatch();
      }
      connection.commit();
      try (PreparedStatement select = connection.prepareStatement("select name from item where id = ?")) {
        for (int i = 0; i < rows; i += 2) {
          select.setInt(1, i);
          try (ResultSet found = select.executeQuery()) {
            if (!found.next()) {
              throw new IllegalStateException("lost row " + i);
            }
            found.getString(1);
          }
        }
      }
      try (Statement statement = connection.createStatement();
          ResultSet sums = statement.executeQuery("select price, count(*), max(name) from item group by price order by 2")) {
        while (sums.next()) {
          sums.getString(3);
        }
      }
    }
    return (System.nanoTime() - start) / 1e6;
  }
}
