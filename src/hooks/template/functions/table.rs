//! Which functions there are, and how many arguments each takes.

use super::call::Arity::{AtLeast, Exactly};
use super::call::Call;
use super::texts::mapped;
use super::{Function, case, choice, dates, encoding, json, lists, maps, numbers, paths, regexes, texts, wrap};
use crate::hooks::template::Value;

/// Whether Sprig's function of this name changes the mapping that is its first argument, so that a variable that stands
/// there holds the result from then on.
pub(in super::super) fn changes_its_first(name: &str) -> bool {
    matches!(name, "set" | "unset" | "merge" | "mustMerge" | "mergeOverwrite" | "mustMergeOverwrite")
}

macro_rules! functions {
    ($($name:literal $arity:expr => $function:expr;)*) => {
        /// The function of this name.
        pub(in super::super) fn find(name: &str) -> Option<Function> {
            Some(match name {
                $($name => |given, budget| ($function)(&Call::new($name, $arity, given, budget)?),)*
                _ => return None,
            })
        }

        /// Every name, in the order of the table.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$($name),*];
    };
}

functions! {
    "abbrev" Exactly(2) => texts::abbrev;
    "abbrevboth" Exactly(3) => texts::abbrev_both;
    "cat" AtLeast(0) => texts::cat;
    "contains" Exactly(2) => texts::contains;
    "hasPrefix" Exactly(2) => texts::has_prefix;
    "hasSuffix" Exactly(2) => texts::has_suffix;
    "indent" Exactly(2) => texts::indent;
    "join" Exactly(2) => texts::join;
    "nindent" Exactly(2) => texts::nindent;
    "nospace" Exactly(1) => |call: &Call<'_>| mapped(call, |text| text.split_whitespace().collect());
    "plural" Exactly(3) => texts::plural;
    "quote" AtLeast(0) => texts::quote;
    "repeat" Exactly(2) => texts::repeat;
    "replace" Exactly(3) => texts::replace;
    "split" Exactly(2) => texts::split;
    "splitList" Exactly(2) => texts::split_list;
    "splitn" Exactly(3) => texts::splitn;
    "squote" AtLeast(0) => texts::squote;
    "substr" Exactly(3) => texts::substr;
    "toString" Exactly(1) => texts::to_string;
    "toStrings" Exactly(1) => texts::to_strings;
    "trim" Exactly(1) => texts::trim;
    "trimAll" Exactly(2) => texts::trim_all;
    "trimall" Exactly(2) => texts::trim_all;
    "trimPrefix" Exactly(2) => texts::trim_prefix;
    "trimSuffix" Exactly(2) => texts::trim_suffix;
    "trunc" Exactly(2) => texts::trunc;
    "wrap" Exactly(2) => wrap::wrap;
    "wrapWith" Exactly(3) => wrap::wrap_with;

    "camelcase" Exactly(1) => |call: &Call<'_>| mapped(call, case::camel);
    "initials" Exactly(1) => |call: &Call<'_>| mapped(call, case::initials);
    "kebabcase" Exactly(1) => |call: &Call<'_>| mapped(call, |text| case::connected(text, '-'));
    "lower" Exactly(1) => |call: &Call<'_>| mapped(call, |text| text.chars().map(super::go::lower).collect());
    "snakecase" Exactly(1) => |call: &Call<'_>| mapped(call, |text| case::connected(text, '_'));
    "swapcase" Exactly(1) => |call: &Call<'_>| mapped(call, case::swapped);
    "title" Exactly(1) => |call: &Call<'_>| mapped(call, case::title);
    "untitle" Exactly(1) => |call: &Call<'_>| mapped(call, case::untitle);
    "upper" Exactly(1) => |call: &Call<'_>| mapped(call, |text| text.chars().map(super::go::upper).collect());

    "append" Exactly(2) => lists::append;
    "chunk" Exactly(2) => lists::chunk;
    "compact" Exactly(1) => lists::compact;
    "concat" AtLeast(0) => lists::concat;
    "first" Exactly(1) => lists::first;
    "has" Exactly(2) => lists::has;
    "initial" Exactly(1) => lists::initial;
    "last" Exactly(1) => lists::last;
    "list" AtLeast(0) => lists::list;
    "mustAppend" Exactly(2) => lists::append;
    "mustChunk" Exactly(2) => lists::chunk;
    "mustCompact" Exactly(1) => lists::compact;
    "mustFirst" Exactly(1) => lists::first;
    "mustHas" Exactly(2) => lists::has;
    "mustInitial" Exactly(1) => lists::initial;
    "mustLast" Exactly(1) => lists::last;
    "mustPrepend" Exactly(2) => lists::prepend;
    "mustPush" Exactly(2) => lists::append;
    "mustRest" Exactly(1) => lists::rest;
    "mustReverse" Exactly(1) => lists::reverse;
    "mustSlice" AtLeast(1) => lists::slice;
    "mustUniq" Exactly(1) => lists::uniq;
    "mustWithout" AtLeast(1) => lists::without;
    "prepend" Exactly(2) => lists::prepend;
    "push" Exactly(2) => lists::append;
    "rest" Exactly(1) => lists::rest;
    "reverse" Exactly(1) => lists::reverse;
    "seq" AtLeast(0) => lists::seq;
    "slice" AtLeast(1) => lists::slice;
    "sortAlpha" Exactly(1) => lists::sort_alpha;
    "tuple" AtLeast(0) => lists::list;
    "uniq" Exactly(1) => lists::uniq;
    "until" Exactly(1) => lists::until;
    "untilStep" Exactly(3) => lists::until_step;
    "without" AtLeast(1) => lists::without;

    "dict" AtLeast(0) => maps::dict;
    "dig" AtLeast(0) => maps::dig;
    "get" Exactly(2) => maps::get;
    "hasKey" Exactly(2) => maps::has_key;
    "keys" AtLeast(0) => maps::keys;
    "merge" AtLeast(1) => maps::merge;
    "mergeOverwrite" AtLeast(1) => maps::merge_overwrite;
    "mustMerge" AtLeast(1) => maps::merge;
    "mustMergeOverwrite" AtLeast(1) => maps::merge_overwrite;
    "omit" AtLeast(1) => maps::omit;
    "pick" AtLeast(1) => maps::pick;
    "pluck" AtLeast(1) => maps::pluck;
    "set" Exactly(3) => maps::set;
    "unset" Exactly(2) => maps::unset;
    "values" Exactly(1) => maps::values;

    "all" AtLeast(0) => choice::all;
    "any" AtLeast(0) => choice::any;
    "coalesce" AtLeast(0) => choice::coalesce;
    "deepCopy" Exactly(1) => choice::same;
    "deepEqual" Exactly(2) => choice::deep_equal;
    "default" AtLeast(1) => choice::default;
    "empty" Exactly(1) => choice::empty;
    "fail" Exactly(1) => choice::fail;
    "kindIs" Exactly(2) => choice::kind_is;
    "kindOf" Exactly(1) => choice::kind_of;
    "mustDeepCopy" Exactly(1) => choice::same;
    "ternary" Exactly(3) => choice::ternary;
    "typeIs" Exactly(2) => choice::type_is;
    "typeIsLike" Exactly(2) => choice::type_is_like;
    "typeOf" Exactly(1) => choice::type_of;

    "fromJson" Exactly(1) => json::from_json;
    "mustFromJson" Exactly(1) => json::must_from_json;
    "mustToJson" Exactly(1) => json::must_to_json;
    "mustToPrettyJson" Exactly(1) => json::must_to_pretty_json;
    "mustToRawJson" Exactly(1) => json::to_raw_json;
    "toJson" Exactly(1) => json::to_json;
    "toPrettyJson" Exactly(1) => json::to_pretty_json;
    "toRawJson" Exactly(1) => json::to_raw_json;

    "add" AtLeast(0) => numbers::add;
    "add1" Exactly(1) => numbers::add1;
    "add1f" Exactly(1) => numbers::add1f;
    "addf" AtLeast(0) => numbers::addf;
    "atoi" Exactly(1) => numbers::atoi;
    "biggest" AtLeast(1) => numbers::max;
    "ceil" Exactly(1) => numbers::ceil;
    "div" Exactly(2) => numbers::div;
    "divf" AtLeast(1) => numbers::divf;
    "float64" Exactly(1) => numbers::float;
    "floor" Exactly(1) => numbers::floor;
    "int" Exactly(1) => numbers::int;
    "int64" Exactly(1) => numbers::int;
    "max" AtLeast(1) => numbers::max;
    "maxf" AtLeast(1) => numbers::maxf;
    "min" AtLeast(1) => numbers::min;
    "minf" AtLeast(1) => numbers::minf;
    "mod" Exactly(2) => numbers::modulo;
    "mul" AtLeast(1) => numbers::mul;
    "mulf" AtLeast(1) => numbers::mulf;
    "round" AtLeast(2) => numbers::round;
    "sub" Exactly(2) => numbers::sub;
    "subf" AtLeast(1) => numbers::subf;
    "toDecimal" Exactly(1) => numbers::to_decimal;

    "mustRegexFind" Exactly(2) => regexes::find;
    "mustRegexFindAll" Exactly(3) => regexes::find_all;
    "mustRegexMatch" Exactly(2) => regexes::must_match;
    "mustRegexReplaceAll" Exactly(3) => regexes::replace_all;
    "mustRegexReplaceAllLiteral" Exactly(3) => regexes::replace_all_literal;
    "mustRegexSplit" Exactly(3) => regexes::split;
    "regexFind" Exactly(2) => regexes::find;
    "regexFindAll" Exactly(3) => regexes::find_all;
    "regexMatch" Exactly(2) => regexes::is_match;
    "regexQuoteMeta" Exactly(1) => regexes::quote_meta;
    "regexReplaceAll" Exactly(3) => regexes::replace_all;
    "regexReplaceAllLiteral" Exactly(3) => regexes::replace_all_literal;
    "regexSplit" Exactly(3) => regexes::split;

    "ago" Exactly(1) => dates::ago;
    "date" Exactly(2) => dates::date;
    "dateInZone" Exactly(3) => dates::date_in_zone;
    "dateModify" Exactly(2) => dates::date_modify;
    "date_in_zone" Exactly(3) => dates::date_in_zone;
    "date_modify" Exactly(2) => dates::date_modify;
    "duration" Exactly(1) => dates::duration;
    "durationRound" Exactly(1) => dates::duration_round;
    "htmlDate" Exactly(1) => dates::html_date;
    "htmlDateInZone" Exactly(2) => dates::html_date_in_zone;
    "mustDateModify" Exactly(2) => dates::must_date_modify;
    "mustToDate" Exactly(2) => dates::must_to_date;
    "must_date_modify" Exactly(2) => dates::must_date_modify;
    "now" Exactly(0) => dates::now;
    "toDate" Exactly(2) => dates::to_date;
    "unixEpoch" Exactly(1) => dates::unix_epoch;

    "adler32sum" Exactly(1) => encoding::adler32sum;
    "b32dec" Exactly(1) => encoding::b32dec;
    "b32enc" Exactly(1) => encoding::b32enc;
    "b64dec" Exactly(1) => encoding::b64dec;
    "b64enc" Exactly(1) => encoding::b64enc;
    "sha1sum" Exactly(1) => encoding::sha1sum;
    "sha256sum" Exactly(1) => encoding::sha256sum;

    "base" Exactly(1) => |call: &Call<'_>| mapped(call, paths::base);
    "clean" Exactly(1) => |call: &Call<'_>| mapped(call, paths::clean);
    "dir" Exactly(1) => |call: &Call<'_>| mapped(call, paths::dir);
    "ext" Exactly(1) => |call: &Call<'_>| mapped(call, paths::ext);
    "isAbs" Exactly(1) => |call: &Call<'_>| Ok(Value::Bool(call.text(0)?.starts_with('/')));
    "osBase" Exactly(1) => |call: &Call<'_>| mapped(call, paths::base);
    "osClean" Exactly(1) => |call: &Call<'_>| mapped(call, paths::clean);
    "osDir" Exactly(1) => |call: &Call<'_>| mapped(call, paths::dir);
    "osExt" Exactly(1) => |call: &Call<'_>| mapped(call, paths::ext);
    "osIsAbs" Exactly(1) => |call: &Call<'_>| Ok(Value::Bool(call.text(0)?.starts_with('/')));
}
