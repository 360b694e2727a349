package libraries;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
import org.junit.jupiter.api.Test;

/** sqlite-jdbc: C. */
@NoLeaks
class SqliteTest {
  private static final List<Object> KEPT = new ArrayList<>();

  private static Connection shared;

  @BeforeAll
  static void warmUp() throws Exception {
    Use.repeat(3, SqliteTest::use);
    shared = open();
  }

  @Test
  void closed() throws Exception {
    Use.repeat(100, SqliteTest::use);
  }

  @Test
  void connectionNotClosed() throws SQLException {
    for (int i = 0; i < 10; i++) {
      Connection connection = open();
      query(connection);
      KEPT.add(connection);
    }
  }

  @Test
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
