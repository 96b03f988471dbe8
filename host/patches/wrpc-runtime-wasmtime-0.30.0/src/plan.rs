//! Values that are nothing but data, encoded and decoded in one go.
//!
//! A [`Plan`] is a type whose values have no resources, streams or futures in
//! them. It is made once, where a function is linked or served, so that a call
//! need not look types up, and its values are read from memory instead of byte
//! by byte from an asynchronous stream. The encoding is that of wRPC, as in
//! [`crate::ValEncoder`] and [`crate::read_value`], which do the rest.

use core::iter::zip;

use std::io;

use anyhow::{bail, Context as _};
use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use wasmtime::component::{Type, Val};

/// The first read of a value has room for so many bytes; each further one
/// doubles what there is.
const FIRST_READ: usize = 4096;

/// How the values of a type are encoded.
#[derive(Debug)]
pub(crate) enum Plan {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    Float32,
    Float64,
    Char,
    String,
    List(Box<Plan>),
    Record(Box<[(Box<str>, Plan)]>),
    Tuple(Box<[Plan]>),
    Variant(Box<[(Box<str>, Option<Plan>)]>),
    Enum(Box<[Box<str>]>),
    Option(Box<Plan>),
    Result {
        ok: Option<Box<Plan>>,
        err: Option<Box<Plan>>,
    },
}

/// Why bytes are no value.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// They end too early; there may be more to come.
    Incomplete,
    /// They can be no value, whatever comes.
    Invalid(&'static str),
}

impl Plan {
    /// The plan of a type, or `None` if its values are more than data.
    pub(crate) fn new(ty: &Type) -> Option<Self> {
        let nested = |ty: Option<Type>| match ty {
            None => Some(None),
            Some(ty) => Self::new(&ty).map(|plan| Some(Box::new(plan))),
        };
        Some(match ty {
            Type::Bool => Self::Bool,
            Type::S8 => Self::S8,
            Type::U8 => Self::U8,
            Type::S16 => Self::S16,
            Type::U16 => Self::U16,
            Type::S32 => Self::S32,
            Type::U32 => Self::U32,
            Type::S64 => Self::S64,
            Type::U64 => Self::U64,
            Type::Float32 => Self::Float32,
            Type::Float64 => Self::Float64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::List(ty) => Self::List(Box::new(Self::new(&ty.ty())?)),
            Type::Record(ty) => {
                let field = |(name, ty): (&str, Type)| Some((name.into(), Self::new(&ty)?));
                let fields = ty.fields().map(|field| (field.name, field.ty));
                Self::Record(fields.map(field).collect::<Option<_>>()?)
            }
            Type::Tuple(ty) => Self::Tuple(Self::all(ty.types())?),
            Type::Variant(ty) => {
                let case = |(name, ty): (&str, Option<Type>)| match ty {
                    None => Some((name.into(), None)),
                    Some(ty) => Some((name.into(), Some(Self::new(&ty)?))),
                };
                let cases = ty.cases().map(|case| (case.name, case.ty));
                Self::Variant(cases.map(case).collect::<Option<_>>()?)
            }
            Type::Enum(ty) => Self::Enum(ty.names().map(Into::into).collect()),
            Type::Option(ty) => Self::Option(Box::new(Self::new(&ty.ty())?)),
            Type::Result(ty) => Self::Result {
                ok: nested(ty.ok())?,
                err: nested(ty.err())?,
            },
            Type::Flags(..)
            | Type::Own(..)
            | Type::Borrow(..)
            | Type::Future(..)
            | Type::Stream(..)
            | Type::ErrorContext => return None,
        })
    }

    /// The plans of several types, or `None` if one of them has none.
    pub(crate) fn all(types: impl IntoIterator<Item = Type>) -> Option<Box<[Self]>> {
        types.into_iter().map(|ty| Self::new(&ty)).collect()
    }

    /// Appends a value.
    pub(crate) fn encode(&self, val: &Val, dst: &mut BytesMut) -> anyhow::Result<()> {
        match (self, val) {
            (Self::Bool, Val::Bool(v)) => dst.put_u8((*v).into()),
            (Self::S8, Val::S8(v)) => dst.put_i8(*v),
            (Self::U8, Val::U8(v)) => dst.put_u8(*v),
            (Self::S16, Val::S16(v)) => put_signed((*v).into(), dst),
            (Self::U16, Val::U16(v)) => put_unsigned((*v).into(), dst),
            (Self::S32, Val::S32(v)) => put_signed((*v).into(), dst),
            (Self::U32, Val::U32(v)) => put_unsigned((*v).into(), dst),
            (Self::S64, Val::S64(v)) => put_signed(*v, dst),
            (Self::U64, Val::U64(v)) => put_unsigned(*v, dst),
            (Self::Float32, Val::Float32(v)) => dst.put_f32_le(*v),
            (Self::Float64, Val::Float64(v)) => dst.put_f64_le(*v),
            (Self::Char, Val::Char(v)) => dst.put_slice(v.encode_utf8(&mut [0; 4]).as_bytes()),
            (Self::String, Val::String(v)) => {
                put_length(v.len(), dst)?;
                dst.put_slice(v.as_bytes());
            }
            (Self::List(plan), Val::List(vs)) => {
                put_length(vs.len(), dst)?;
                for v in vs {
                    plan.encode(v, dst).context("in a list")?;
                }
            }
            (Self::Record(fields), Val::Record(vs)) if fields.len() == vs.len() => {
                for ((name, plan), (_, v)) in zip(fields, vs) {
                    plan.encode(v, dst).with_context(|| format!("in `{name}`"))?;
                }
            }
            (Self::Tuple(plans), Val::Tuple(vs)) if plans.len() == vs.len() => {
                for (plan, v) in zip(plans, vs) {
                    plan.encode(v, dst).context("in a tuple")?;
                }
            }
            (Self::Variant(cases), Val::Variant(name, v)) => {
                let found = zip(0.., cases).find(|(_, (case, _))| **case == **name);
                let (i, (_, plan)) = found.with_context(|| format!("unknown case `{name}`"))?;
                put_unsigned(i, dst);
                encode_nested(plan.as_ref(), v.as_deref(), dst)?;
            }
            (Self::Enum(names), Val::Enum(name)) => {
                let i = zip(0.., names).find_map(|(i, case)| (**case == **name).then_some(i));
                put_unsigned(i.with_context(|| format!("unknown case `{name}`"))?, dst);
            }
            (Self::Option(_), Val::Option(None)) => dst.put_u8(0),
            (Self::Option(plan), Val::Option(Some(v))) => {
                dst.put_u8(1);
                plan.encode(v, dst)?;
            }
            (Self::Result { ok, .. }, Val::Result(Ok(v))) => {
                dst.put_u8(0);
                encode_nested(ok.as_deref(), v.as_deref(), dst)?;
            }
            (Self::Result { err, .. }, Val::Result(Err(v))) => {
                dst.put_u8(1);
                encode_nested(err.as_deref(), v.as_deref(), dst)?;
            }
            _ => bail!("value type mismatch"),
        }
        Ok(())
    }

    /// Takes a value from the beginning of `src`.
    fn decode(&self, src: &mut &[u8]) -> Result<Val, Fault> {
        Ok(match self {
            Self::Bool => Val::Bool(take_flag(src)?),
            Self::S8 => Val::S8(i8::from_le_bytes(take_array(src)?)),
            Self::U8 => Val::U8(u8::from_le_bytes(take_array(src)?)),
            Self::S16 => Val::S16(take_signed(src)?),
            Self::U16 => Val::U16(take_unsigned(src)?),
            Self::S32 => Val::S32(take_signed(src)?),
            Self::U32 => Val::U32(take_unsigned(src)?),
            Self::S64 => Val::S64(take_signed(src)?),
            Self::U64 => Val::U64(take_unsigned(src)?),
            Self::Float32 => Val::Float32(f32::from_le_bytes(take_array(src)?)),
            Self::Float64 => Val::Float64(f64::from_le_bytes(take_array(src)?)),
            Self::Char => Val::Char(take_char(src)?),
            Self::String => {
                let length = take_length(src)?;
                let text = core::str::from_utf8(take(src, length)?);
                let text = text.map_err(|_| Fault::Invalid("a string is not UTF-8"))?;
                Val::String(text.to_owned())
            }
            Self::List(plan) => {
                let length = take_length(src)?;
                // A value has one byte at least: a length alone takes no memory.
                if length > src.len() {
                    return Err(Fault::Incomplete);
                }
                let values = (0..length).map(|_| plan.decode(src));
                Val::List(values.collect::<Result<_, _>>()?)
            }
            Self::Record(fields) => {
                let field = |(name, plan): &(Box<str>, Plan)| {
                    Ok::<_, Fault>((name.to_string(), plan.decode(src)?))
                };
                Val::Record(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
            Self::Tuple(plans) => {
                let values = plans.iter().map(|plan| plan.decode(src));
                Val::Tuple(values.collect::<Result<_, _>>()?)
            }
            Self::Variant(cases) => {
                let (name, plan) = take_case(src, cases)?;
                Val::Variant(name.to_string(), decode_nested(plan.as_ref(), src)?)
            }
            Self::Enum(names) => Val::Enum(take_case(src, names)?.to_string()),
            Self::Option(plan) => {
                let plan = take_flag(src)?.then_some(&**plan);
                Val::Option(decode_nested(plan, src)?)
            }
            Self::Result { ok, err } => match take_flag(src)? {
                false => Val::Result(Ok(decode_nested(ok.as_deref(), src)?)),
                true => Val::Result(Err(decode_nested(err.as_deref(), src)?)),
            },
        })
    }
}

/// Reads values, one for each plan.
pub(crate) async fn read_values<R>(reader: &mut R, plans: &[Plan]) -> io::Result<Vec<Val>>
where
    R: AsyncRead + Unpin,
{
    let mut read = BytesMut::new();
    loop {
        let mut src = &*read;
        let values = plans.iter().map(|plan| plan.decode(&mut src));
        match values.collect() {
            Ok(values) => return Ok(values),
            Err(Fault::Invalid(why)) => return Err(io::Error::new(io::ErrorKind::InvalidData, why)),
            Err(Fault::Incomplete) => {}
        }
        if read.len() == read.capacity() {
            read.reserve(read.len().max(FIRST_READ));
        }
        if reader.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn encode_nested(plan: Option<&Plan>, val: Option<&Val>, dst: &mut BytesMut) -> anyhow::Result<()> {
    match (plan, val) {
        (None, None) => Ok(()),
        (Some(plan), Some(val)) => plan.encode(val, dst),
        (Some(_), None) => bail!("value missing"),
        (None, Some(_)) => bail!("value of unknown type"),
    }
}

fn decode_nested(plan: Option<&Plan>, src: &mut &[u8]) -> Result<Option<Box<Val>>, Fault> {
    plan.map(|plan| plan.decode(src).map(Box::new)).transpose()
}

/// Unsigned LEB128.
fn put_unsigned(mut v: u64, dst: &mut BytesMut) {
    while v > 0x7f {
        dst.put_u8(v as u8 | 0x80);
        v >>= 7;
    }
    dst.put_u8(v as u8);
}

/// Signed LEB128.
fn put_signed(mut v: i64, dst: &mut BytesMut) {
    while !(-0x40..0x40).contains(&v) {
        dst.put_u8(v as u8 | 0x80);
        v >>= 7;
    }
    dst.put_u8(v as u8 & 0x7f);
}

fn put_length(length: usize, dst: &mut BytesMut) -> anyhow::Result<()> {
    let length = u32::try_from(length).context("length does not fit in u32")?;
    put_unsigned(length.into(), dst);
    Ok(())
}

fn take<'a>(src: &mut &'a [u8], length: usize) -> Result<&'a [u8], Fault> {
    let (taken, rest) = src.split_at_checked(length).ok_or(Fault::Incomplete)?;
    *src = rest;
    Ok(taken)
}

fn take_array<const N: usize>(src: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, rest) = src.split_first_chunk().ok_or(Fault::Incomplete)?;
    *src = rest;
    Ok(*taken)
}

fn take_flag(src: &mut &[u8]) -> Result<bool, Fault> {
    match take_array(src)? {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(Fault::Invalid("a byte is neither 0 nor 1")),
    }
}

fn take_unsigned<T: TryFrom<u64>>(src: &mut &[u8]) -> Result<T, Fault> {
    let mut v = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = take_array(src)?;
        let bits = u64::from(byte & 0x7f);
        v |= bits << shift;
        if (bits << shift) >> shift != bits {
            break;
        }
        if byte & 0x80 == 0 {
            return T::try_from(v).map_err(|_| Fault::Invalid("an integer is too large"));
        }
    }
    Err(Fault::Invalid("an integer is too large"))
}

fn take_signed<T: TryFrom<i64>>(src: &mut &[u8]) -> Result<T, Fault> {
    let mut v = 0_i128;
    for shift in (0..i64::BITS).step_by(7) {
        let [byte] = take_array(src)?;
        v |= i128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // The highest bit is the sign.
            let unused = i128::BITS - shift - 7;
            let v = i64::try_from((v << unused) >> unused).ok();
            let v = v.and_then(|v| T::try_from(v).ok());
            return v.ok_or(Fault::Invalid("an integer is too large"));
        }
    }
    Err(Fault::Invalid("an integer is too large"))
}

fn take_length(src: &mut &[u8]) -> Result<usize, Fault> {
    let length: u32 = take_unsigned(src)?;
    usize::try_from(length).map_err(|_| Fault::Invalid("a length is too large"))
}

fn take_char(src: &mut &[u8]) -> Result<char, Fault> {
    const INVALID: Fault = Fault::Invalid("a character is not UTF-8");
    let length = match src.first().ok_or(Fault::Incomplete)? {
        ..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => return Err(INVALID),
    };
    let text = core::str::from_utf8(take(src, length)?).map_err(|_| INVALID)?;
    text.chars().next().ok_or(INVALID)
}

fn take_case<'a, T>(src: &mut &[u8], cases: &'a [T]) -> Result<&'a T, Fault> {
    let case: u32 = take_unsigned(src)?;
    let case = usize::try_from(case).ok().and_then(|case| cases.get(case));
    case.ok_or(Fault::Invalid("there is no such case"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Plan {
        Plan::List(Box::new(Plan::String))
    }

    fn text(text: &str) -> Val {
        Val::String(text.to_owned())
    }

    /// A plan, a value of it, and its bytes.
    fn samples() -> Vec<(Plan, Val, Vec<u8>)> {
        let option = || Plan::Option(Box::new(Plan::U8));
        let result = || Plan::Result {
            ok: Some(Box::new(Plan::U8)),
            err: None,
        };
        let cases = || [("none".into(), None), ("some".into(), Some(Plan::Bool))];
        vec![
            (Plan::Bool, Val::Bool(true), vec![1]),
            (Plan::S8, Val::S8(-2), vec![0xfe]),
            (Plan::U8, Val::U8(200), vec![200]),
            (Plan::S16, Val::S16(-2), vec![0x7e]),
            (Plan::U16, Val::U16(128), vec![0x80, 1]),
            (Plan::S32, Val::S32(64), vec![0xc0, 0]),
            (Plan::S32, Val::S32(-65), vec![0xbf, 0x7f]),
            (Plan::U32, Val::U32(624_485), vec![0xe5, 0x8e, 0x26]),
            (Plan::S64, Val::S64(-123_456), vec![0xc0, 0xbb, 0x78]),
            (Plan::U64, Val::U64(0), vec![0]),
            (Plan::Float32, Val::Float32(1.0), vec![0, 0, 0x80, 0x3f]),
            (
                Plan::Float64,
                Val::Float64(-2.0),
                vec![0, 0, 0, 0, 0, 0, 0, 0xc0],
            ),
            (Plan::Char, Val::Char('a'), b"a".to_vec()),
            (Plan::Char, Val::Char('\u{20ac}'), vec![0xe2, 0x82, 0xac]),
            (Plan::String, text("\u{fc}"), vec![2, 0xc3, 0xbc]),
            (
                texts(),
                Val::List(vec![text("a"), text("")]),
                vec![2, 1, b'a', 0],
            ),
            (
                Plan::Record(Box::new([("x".into(), Plan::U8), ("y".into(), Plan::Bool)])),
                Val::Record(vec![
                    ("x".to_owned(), Val::U8(7)),
                    ("y".to_owned(), Val::Bool(false)),
                ]),
                vec![7, 0],
            ),
            (
                Plan::Tuple(Box::new([Plan::U8, Plan::String])),
                Val::Tuple(vec![Val::U8(1), text("z")]),
                vec![1, 1, b'z'],
            ),
            (
                Plan::Variant(Box::new(cases())),
                Val::Variant("none".to_owned(), None),
                vec![0],
            ),
            (
                Plan::Variant(Box::new(cases())),
                Val::Variant("some".to_owned(), Some(Box::new(Val::Bool(true)))),
                vec![1, 1],
            ),
            (
                Plan::Enum(Box::new(["a".into(), "b".into()])),
                Val::Enum("b".to_owned()),
                vec![1],
            ),
            (option(), Val::Option(None), vec![0]),
            (
                option(),
                Val::Option(Some(Box::new(Val::U8(9)))),
                vec![1, 9],
            ),
            (
                result(),
                Val::Result(Ok(Some(Box::new(Val::U8(9))))),
                vec![0, 9],
            ),
            (result(), Val::Result(Err(None)), vec![1]),
        ]
    }

    fn encoded(plan: &Plan, val: &Val) -> BytesMut {
        let mut bytes = BytesMut::new();
        plan.encode(val, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn values_have_the_encoding_of_wrpc() {
        for (plan, val, bytes) in samples() {
            assert_eq!(encoded(&plan, &val), bytes, "{val:?}");
            let mut rest = &bytes[..];
            assert_eq!(plan.decode(&mut rest), Ok(val));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn the_beginning_of_a_value_is_incomplete() {
        for (plan, val, bytes) in samples() {
            for end in 0..bytes.len() {
                let found = plan.decode(&mut &bytes[..end]);
                assert_eq!(found, Err(Fault::Incomplete), "{end} bytes of {val:?}");
            }
        }
        let long = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(texts().decode(&mut &long[..]), Err(Fault::Incomplete));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (plan, bytes) in [
            (Plan::Bool, &[2][..]),
            (Plan::Option(Box::new(Plan::U8)), &[2]),
            (Plan::U16, &[0x80, 0x80, 0x04]),
            (Plan::S16, &[0x80, 0x80, 0x02]),
            (Plan::U32, &[0x80, 0x80, 0x80, 0x80, 0x10]),
            (Plan::U64, &[0xff; 11]),
            (Plan::U64, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]),
            (Plan::S64, &[0x80; 11]),
            (Plan::Char, &[0x80]),
            (Plan::Char, &[0xc0, 0x20]),
            (Plan::String, &[1, 0xff]),
            (Plan::Enum(Box::new(["a".into()])), &[1]),
        ] {
            let found = plan.decode(&mut &*bytes);
            assert!(matches!(found, Err(Fault::Invalid(_))), "{plan:?}: {found:?}");
        }
    }

    #[test]
    fn integers_keep_their_extremes() {
        for v in [i64::MIN, i64::MIN + 1, -0x41, -0x40, 0x3f, 0x40, i64::MAX] {
            let bytes = encoded(&Plan::S64, &Val::S64(v));
            assert_eq!(Plan::S64.decode(&mut &*bytes), Ok(Val::S64(v)));
        }
        for v in [i16::MIN, -1, 0, i16::MAX] {
            let bytes = encoded(&Plan::S16, &Val::S16(v));
            assert_eq!(Plan::S16.decode(&mut &*bytes), Ok(Val::S16(v)));
        }
        for v in [0, 0x7f, 0x80, u64::MAX - 1, u64::MAX] {
            let bytes = encoded(&Plan::U64, &Val::U64(v));
            assert_eq!(Plan::U64.decode(&mut &*bytes), Ok(Val::U64(v)));
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let mut bytes = BytesMut::new();
        assert!(Plan::U8.encode(&Val::Bool(true), &mut bytes).is_err());
        let one = Val::Tuple(vec![Val::U8(1)]);
        let two = Plan::Tuple(Box::new([Plan::U8, Plan::U8]));
        assert!(two.encode(&one, &mut bytes).is_err());
        let unknown = Val::Enum("c".to_owned());
        let plan = Plan::Enum(Box::new(["a".into()]));
        assert!(plan.encode(&unknown, &mut bytes).is_err());
    }

    #[tokio::test]
    async fn values_may_come_in_pieces() {
        let plans = [texts(), Plan::U8];
        let values = vec![Val::List(vec![text(&"x".repeat(10_000)); 5]), Val::U8(3)];
        let mut bytes = BytesMut::new();
        for (plan, v) in zip(&plans, &values) {
            plan.encode(v, &mut bytes).unwrap();
        }
        for size in [1, 7, 4096, bytes.len()] {
            let (mut writer, mut reader) = tokio::io::duplex(size);
            let write = async {
                tokio::io::AsyncWriteExt::write_all(&mut writer, &bytes).await.unwrap();
            };
            let (read, ()) = tokio::join!(read_values(&mut reader, &plans), write);
            assert_eq!(read.unwrap(), values);
        }
        let mut half = &bytes[..bytes.len() / 2];
        let error = read_values(&mut half, &plans).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
