//! curl's options: whether they take a value, their short forms, and whether they change what is sent.

/// Names of the options that the import reads, with a value.
const READ_WITH_VALUE: &str = "\
cacert cert connect-timeout continue-at cookie data data-ascii data-binary data-raw data-urlencode form form-string \
header json key max-redirs max-time oauth2-bearer proto-default range referer request request-target tls-max \
upload-file url url-query user user-agent";

/// Names of the options that the import reads, without a value.
const READ: &str = "\
basic compressed digest get globoff head http1.0 http1.1 http2 http2-prior-knowledge insecure location \
location-trusted next ntlm negotiate anyauth path-as-is tlsv1.3";

/// Options with a value that change neither the request nor how it is sent.
const IRRELEVANT_WITH_VALUE: &str = "\
cookie-jar create-file-mode dump-header etag-save help libcurl max-filesize output output-dir parallel-max \
parallel-max-host proto proto-redir rate stderr trace trace-ascii trace-config write-out";

/// Options without a value that change neither the request nor how it is sent.
const IRRELEVANT: &str = "\
append buffer ca-native clobber compressed-ssh create-dirs disable disallow-username-in-url dump-ca-embed eprt epsv \
disable-eprt disable-epsv fail fail-early fail-with-body form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip http0.9 \
ignore-content-length include junk-session-cookies keepalive list-only mail-rcpt-allowfails manual no-buffer \
no-clobber no-keepalive no-progress-meter npn no-npn out-null parallel parallel-immediate progress-bar \
progress-meter raw remote-header-name remote-name remote-name-all remote-time remove-on-error sasl-ir sessionid \
show-error show-headers silent skip-existing styled-output suppress-connect-headers tcp-nodelay tftp-no-options \
tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 trace-ids trace-time use-ascii verbose version xattr";

/// Other options with a value, which cannot be carried over.
const OTHER_WITH_VALUE: &str = "\
abstract-unix-socket alt-svc aws-sigv4 capath cert-type ciphers config connect-to crlfile curves delegation \
dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url ech egd-file engine etag-compare expect100-timeout \
ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms \
haproxy-clientip hostpubmd5 hostpubsha256 hsts httpsig-algo httpsig-headers httpsig-key httpsig-keyid interface \
ip-tos ipfs-gateway keepalive-cnt keepalive-time key-type knownhosts krb krb4 limit-rate local-port login-options \
mail-auth mail-from mail-rcpt netrc-file noproxy pass pinnedpubkey preproxy proxy proxy-cacert proxy-capath \
proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass \
proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser \
proxy-user proxy1.0 pubkey quote random-file resolve retry retry-delay retry-max-time sasl-authzid service-name \
sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time ssl-sessions \
telnet-option tftp-blksize time-cond tls13-ciphers tlsauthtype tlspassword tlsuser unix-socket upload-flags \
variable vlan-priority";

/// Other options without a value, which cannot be carried over.
const OTHER: &str = "\
alpn no-alpn cert-status crlf doh-cert-status doh-insecure false-start follow ftp-ssl ftp-ssl-ccc ftp-ssl-control \
ftp-ssl-reqd haproxy-protocol http3 http3-only ipv4 ipv6 metalink mptcp netrc netrc-optional ntlm-wb post301 \
post302 post303 proxy-anyauth proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-http3 proxy-insecure \
proxy-negotiate proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel \
retry-all-errors retry-connrefused no-sessionid socks5-basic socks5-gssapi socks5-gssapi-nec ssl \
ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 sslv3 tcp-fastopen \
tls-earlydata tr-encoding";

/// Short options with their long forms.
const SHORT: &str = "\
0http1.0 1tlsv1 2sslv2 3sslv3 4ipv4 6ipv6 :next #progress-bar Auser-agent Buse-ascii Ccontinue-at Ddump-header \
Ecert Fform Gget Hheader Ihead Jremote-header-name Kconfig Llocation Mmanual Nno-buffer Oremote-name Pftp-port \
Qquote Rremote-time Sshow-error Tupload-file Uproxy-user Vversion Xrequest Yspeed-limit Zparallel aappend \
bcookie ccookie-jar ddata ereferer ffail ggloboff hhelp iinclude jjunk-session-cookies kinsecure llist-only \
mmax-time nnetrc ooutput pproxytunnel qdisable rrange ssilent ttelnet-option uuser vverbose wwrite-out xproxy \
yspeed-time ztime-cond";

/// Meaning of an option for an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The import reads it.
    Read,
    /// It changes nothing that is sent.
    Irrelevant,
    /// It cannot be carried over.
    Other,
}

/// An option of curl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CurlOption {
    /// Long name.
    pub(super) name: &'static str,
    pub(super) takes_value: bool,
    pub(super) kind: Kind,
}

fn all() -> impl Iterator<Item = CurlOption> {
    let groups = [
        (READ_WITH_VALUE, true, Kind::Read),
        (READ, false, Kind::Read),
        (IRRELEVANT_WITH_VALUE, true, Kind::Irrelevant),
        (IRRELEVANT, false, Kind::Irrelevant),
        (OTHER_WITH_VALUE, true, Kind::Other),
        (OTHER, false, Kind::Other),
    ];
    groups.into_iter().flat_map(|(names, takes_value, kind)| {
        names.split_ascii_whitespace().map(move |name| CurlOption {
            name,
            takes_value,
            kind,
        })
    })
}

/// The option with a long name, or with the only name that begins with it, as in curl.
pub(super) fn long(name: &str) -> Option<CurlOption> {
    if let Some(option) = all().find(|option| option.name == name) {
        return Some(option);
    }
    if name.is_empty() {
        return None;
    }
    let mut candidates = all().filter(|option| option.name.starts_with(name));
    candidates.next().filter(|_| candidates.next().is_none())
}

/// The option with a short name.
pub(super) fn short(letter: char) -> Option<CurlOption> {
    let form = SHORT
        .split_ascii_whitespace()
        .find(|form| form.starts_with(letter))?;
    long(&form[letter.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_option_has_a_long_form() {
        for form in SHORT.split_ascii_whitespace() {
            let letter = form.chars().next().unwrap();
            let option = short(letter).unwrap_or_else(|| panic!("{form}"));
            assert_eq!(&form[1..], option.name);
        }
        assert_eq!(short('~'), None);
    }

    #[test]
    fn long_option_may_be_abbreviated_if_it_is_clear() {
        assert_eq!(long("sil").map(|option| option.name), Some("silent"));
        assert_eq!(
            long("data-bin").map(|option| option.name),
            Some("data-binary")
        );
        assert_eq!(long("data").map(|option| option.name), Some("data"));
        assert_eq!(long("loc"), None);
        assert_eq!(long("no-such-option"), None);
        assert_eq!(long(""), None);
    }

    #[test]
    fn no_option_is_listed_twice() {
        let mut names: Vec<&str> = all().map(|option| option.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
