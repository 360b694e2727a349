// Nothing.java has no natives.
