//! One value or another, and giving up.

use super::super::value::Value;
use super::call::{Answer, Call};
use super::go;

pub(super) fn default(call: &Call<'_>) -> Answer {
    Ok(call.all().get(1).filter(|given| !go::is_empty(given)).unwrap_or(call.value(0)).clone())
}

pub(super) fn empty(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(go::is_empty(call.value(0))))
}

pub(super) fn coalesce(call: &Call<'_>) -> Answer {
    Ok(call.all().iter().find(|value| !go::is_empty(value)).cloned().unwrap_or(Value::Nil))
}

pub(super) fn all(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(!call.all().iter().any(go::is_empty)))
}

pub(super) fn any(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(!call.all().iter().all(go::is_empty)))
}

pub(super) fn ternary(call: &Call<'_>) -> Answer {
    let at = usize::from(!call.bool(2)?);
    Ok(call.value(at).clone())
}

pub(super) fn fail(call: &Call<'_>) -> Answer {
    Err(call.text(0)?.to_owned())
}

/// Values do not change, so that a copy is the value.
pub(super) fn same(call: &Call<'_>) -> Answer {
    Ok(call.value(0).clone())
}

pub(super) fn type_of(call: &Call<'_>) -> Answer {
    Ok(Value::text(go::type_name(call.value(0))))
}

pub(super) fn type_is(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.text(0)? == go::type_name(call.value(1))))
}

pub(super) fn type_is_like(call: &Call<'_>) -> Answer {
    let (target, is) = (call.text(0)?, go::type_name(call.value(1)));
    Ok(Value::Bool(target == is || is.strip_prefix('*') == Some(target)))
}

pub(super) fn kind_of(call: &Call<'_>) -> Answer {
    Ok(Value::text(go::kind(call.value(0))))
}

pub(super) fn kind_is(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.text(0)? == go::kind(call.value(1))))
}

pub(super) fn deep_equal(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.same(call.value(0), call.value(1))?))
}
