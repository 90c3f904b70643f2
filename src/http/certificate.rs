//! What to do about a certificate that is not accepted, by the words of the TLS library: its errors reach us as text.

/// Whether an error is about the other side's certificate.
pub fn is_about(why: &str) -> bool {
    why.contains("peer certificate")
}

/// How to mend it.
pub fn mend(why: &str) -> &'static str {
    let mends = [
        ("not valid for name", "use a host name that the certificate is made for"),
        ("xpired", "it is past its time: renew it, or set this machine's clock"),
        ("NotValidYet", "its time has not come: set this machine's clock"),
        ("not valid yet", "its time has not come: set this machine's clock"),
        // OpenSSL, and so curl, lets a server use its own CA certificate.
        ("CaUsedAsEndEntity", "it is a CA certificate: the server needs one of its own, signed by that CA"),
    ];
    mends
        .iter()
        .find(|(words, _)| why.contains(words))
        .map_or("add the CA that signed it to the system's CA store", |(_, mend)| mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_certificate_has_its_own_mend() {
        let start = |why: &str| mend(why).split_whitespace().next().unwrap_or_default().to_owned();
        assert_eq!(start("invalid peer certificate: UnknownIssuer"), "add");
        assert_eq!(start("invalid peer certificate: certificate not valid for name \"a\""), "use");
        assert!(mend("invalid peer certificate: certificate expired: verification time 1").contains("renew"));
        assert!(mend("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))").contains("of its own"));
        assert!(is_about("invalid peer certificate: UnknownIssuer") && !is_about("received corrupt message"));
    }
}
