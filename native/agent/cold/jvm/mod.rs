//! The JVM's agent: what it asks of the JVM, and what Java code asks of it.
//!
//! - `start`: finds the JVM and asks it for events, from `JNI_OnLoad` or `Agent_OnLoad`; `aot`:
//!   JVMs that start from a cache of linked classes; `properties`: what it was started with.
//! - `thunks`, `upcalls`: putting code in front of native methods and JNI functions; `invocation`:
//!   threads that attach and detach.
//! - `bridge`, `series`, `counted`: the native methods of `dev.hackleak.NativeBridge`;
//!   `native_call`: their edge; `raw_sites`: the answer where no reporter can read the image.
//! - `collect`: forcing a collection; `queues`: whether what it found is worked off.
//! - `ending`: when the JVM ends, `exit`: what is done then.
//! - `java_heap`: which objects hold native memory, by a walk of the heap (`heap_walk`,
//!   `heap_tags`); `class_fields`, `java_chains`: their names, and the way to them; `java_paths`:
//!   what is reached without the test and without the frames of who asks (`own_frames`);
//!   `java_stale`: values that say nothing; `java_positions`: where Java frames begin; `judging`:
//!   who asks for it.
//! - `java_threads`: what threads are called.

pub mod aot;
pub mod bridge;
pub mod class_fields;
pub mod collect;
pub mod counted;
pub mod ending;
pub mod exit;
pub mod heap_tags;
pub mod heap_walk;
pub mod invocation;
pub mod java_chains;
pub mod java_heap;
pub mod java_paths;
pub mod java_positions;
pub mod java_stale;
pub mod java_threads;
pub mod judging;
pub mod native_call;
pub mod own_frames;
pub mod properties;
pub mod queues;
pub mod raw_sites;
pub mod series;
pub mod start;
pub mod thunks;
pub mod upcalls;
