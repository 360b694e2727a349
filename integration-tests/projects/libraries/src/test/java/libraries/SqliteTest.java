package libraries;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.hackleak.Held;
import dev.hackleak.junit.NoLeaks;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** sqlite-jdbc: C. */
@NoLeaks
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SqliteTest {
  private static final List<Object> KEPT = new ArrayList<>();

  private static Connection shared;

  @BeforeAll
  static void setUp() throws Exception {
    shared = open();
  }

  /** The library's first use: nothing has warmed it up. */
  @Test
  @Order(1)
  void closed() throws Exception {
    Use.repeat(100, SqliteTest::use);
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void connectionNotClosed() throws SQLException {
    for (int i = 0; i < 10; i++) {
      Connection connection = open();
      query(connection);
      KEPT.add(connection);
    }
  }

  @Test
  @NoLeaks(held = Held.FAIL)
  void statementNotClosed() throws SQLException {
    for (int i = 0; i < 10; i++) {
      PreparedStatement statement = shared.prepareStatement("select ?");
      statement.setInt(1, i);
      KEPT.add(statement.executeQuery());
    }
  }

  static void use() throws SQLException {
    try (Connection connection = open()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("create table t (id integer primary key, name text)");
      }
      try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
        for (int i = 0; i < 100; i++) {
          insert.setInt(1, i);
          insert.setString(2, "row " + i);
          insert.executeUpdate();
        }
      }
      query(connection);
    }
  }

  private static Connection open() throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite::memory:");
  }

  private static void query(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement("select 42 where 1 = ?")) {
      select.setInt(1, 1);
      try (ResultSet rows = select.executeQuery()) {
        rows.next();
        assertEquals(42, rows.getInt(1));
      }
    }
  }
}
