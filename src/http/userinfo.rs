//! User and password in an address (RFC 3986, section 3.2.1).
//!
//! Unlike masking, which rather hides too much of an address that no standard allows, this reads what the standard says.

use crate::masking;

/// User and password before the host, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// The user.
    pub user: String,
    /// `None` if there is no colon.
    pub password: Option<String>,
}

impl UserInfo {
    /// Splits `user:password@host` at its last `@`: a password may hold one, a host may not.
    ///
    /// # Errors
    /// When what is percent-encoded is no text.
    pub fn split(authority: &str) -> Result<(Option<Self>, &str), NotText> {
        let Some((info, host)) = authority.rsplit_once('@') else { return Ok((None, authority)) };
        let (user, password) = info.split_once(':').map_or((info, None), |(user, password)| (user, Some(password)));
        let password = password.map(percent_decoded).transpose()?;
        Ok((Some(Self { user: percent_decoded(user)?, password }), host))
    }

    /// The value of an `Authorization` header (RFC 7617).
    pub fn basic(&self) -> String {
        let password = self.password.as_deref().unwrap_or_default();
        format!("Basic {}", masking::to_base64(format!("{}:{password}", self.user).as_bytes()))
    }
}

/// Bytes that are no text.
#[derive(Debug, PartialEq, Eq)]
pub struct NotText;

/// The text with `%41` as `A`.
pub fn percent_decoded(text: &str) -> Result<String, NotText> {
    String::from_utf8(masking::percent_decoded(text)).map_err(|_| NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(authority: &str) -> (String, Option<String>, &str) {
        let (info, host) = UserInfo::split(authority).expect("is text");
        let info = info.expect("has a user");
        (info.user, info.password, host)
    }

    #[test]
    fn user_and_password_are_decoded() {
        assert_eq!(split("a%40b:p%2Fw%zz%@host:1"), ("a@b".into(), Some("p/w%zz%".into()), "host:1"));
        assert_eq!(split("me:a@b:c@host"), ("me".into(), Some("a@b:c".into()), "host"));
        assert_eq!(split("token@host"), ("token".into(), None, "host"));
        assert!(UserInfo::split("host:25").is_ok_and(|(info, host)| info.is_none() && host == "host:25"));
        assert!(UserInfo::split("%ff:x@host").is_err());
    }

    #[test]
    fn basic_authorization_has_the_form_of_its_standard() {
        let basic = |user: &str, password: &str| {
            UserInfo { user: user.to_owned(), password: Some(password.to_owned()) }.basic()
        };
        assert_eq!(basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("a", ""), "Basic YTo=");
        assert_eq!(basic("a", "ÿ>"), "Basic YTrDvz4=");
        assert_eq!(basic("a", "b"), "Basic YTpi");
    }
}
