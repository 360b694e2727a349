//! The edge of the native methods of `dev.hackleak.NativeBridge`: errors and panics become Java
//! exceptions.

use crate::cold::process::lifecycle;
use crate::hot::events::selection::Selection;
use crate::hot::ground::gate;
use hackleak_image::Ownership;
use jni::errors::{Error, ErrorPolicy, ThrowRuntimeExAndDefault};
use jni::objects::JLongArray;
use jni::strings::JNIString;
use jni::{Env, EnvUnowned};
use std::any::Any;

/// What a native method can fail with.
#[derive(Debug)]
pub enum Failure {
    /// The process is not recorded, for this reason.
    NotRecorded(String),
    Jni(Error),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::NotRecorded(reason) => f.write_str(reason),
            Failure::Jni(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Jni(error)
    }
}

/// `IllegalStateException` for a process that is not recorded, `RuntimeException` for the rest.
struct Throw;

impl<T: Default> ErrorPolicy<T, Failure> for Throw {
    type Captures<'local: 'method, 'method> = ();

    fn on_error<'local: 'method, 'method>(
        env: &mut Env<'local>,
        captures: &mut (),
        failure: Failure,
    ) -> jni::errors::Result<T> {
        match failure {
            Failure::NotRecorded(reason) => {
                let class = jni::jni_str!("java/lang/IllegalStateException");
                let _ = env.throw_new(class, JNIString::from(reason));
                Ok(T::default())
            }
            other => ThrowRuntimeExAndDefault::on_error(env, captures, other),
        }
    }

    fn on_panic<'local: 'method, 'method>(
        env: &mut Env<'local>,
        captures: &mut (),
        payload: Box<dyn Any + Send + 'static>,
    ) -> jni::errors::Result<T> {
        <ThrowRuntimeExAndDefault as ErrorPolicy<T, Failure>>::on_panic(env, captures, payload)
    }
}

/// Runs `body` if the process is recorded.
pub fn call<'local, T: Default>(
    mut env: EnvUnowned<'local>,
    body: impl FnOnce(&mut Env<'local>) -> Result<T, Failure>,
) -> T {
    env.with_env(|env| {
        if !gate::is_open() {
            return Err(Failure::NotRecorded(lifecycle::reason()));
        }
        body(env)
    })
    .resolve::<Throw>()
}

/// Which events a question is about.
pub fn selection(epoch: i32, scope: i32, ownership: i32) -> Result<Selection, Failure> {
    let known = Ownership::from_number(ownership as u32);
    Ok(Selection {
        epoch: epoch as u32,
        scope: scope as u32,
        ownership: known.ok_or_else(|| Failure::NotRecorded(format!("nobody is {ownership}")))?,
    })
}

pub fn longs<'local>(env: &mut Env<'local>, values: &[i64]) -> Result<JLongArray<'local>, Failure> {
    let array = env.new_long_array(values.len())?;
    array.set_region(env, 0, values)?;
    Ok(array)
}
