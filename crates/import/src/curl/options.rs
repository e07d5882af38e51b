//! curl's options: whether they take a value, and their short forms.

/// Long options that take a value. All others are flags.
const WITH_VALUE: &str = "\
abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout \
connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary \
data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url \
dump-header ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account \
ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip \
header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key \
key-type krb libcurl limit-rate local-port login-options mail-auth mail-from mail-rcpt max-filesize \
max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey \
preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type \
proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey \
proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user \
proxy1.0 pubkey quote random-file range rate referer request request-target resolve retry retry-delay \
retry-max-time sasl-authzid service-name socks4 socks4a socks5 socks5-gssapi-service socks5-hostname \
speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype \
tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent \
variable vlan-priority write-out";

/// Short options with their long forms.
const SHORT: [(char, &str); 31] = [
    ('A', "user-agent"),
    ('b', "cookie"),
    ('c', "cookie-jar"),
    ('C', "continue-at"),
    ('d', "data"),
    ('D', "dump-header"),
    ('e', "referer"),
    ('E', "cert"),
    ('F', "form"),
    ('G', "get"),
    ('h', "help"),
    ('H', "header"),
    ('I', "head"),
    ('k', "insecure"),
    ('K', "config"),
    ('L', "location"),
    ('m', "max-time"),
    ('o', "output"),
    ('P', "ftp-port"),
    ('Q', "quote"),
    ('r', "range"),
    ('t', "telnet-option"),
    ('T', "upload-file"),
    ('u', "user"),
    ('U', "proxy-user"),
    ('w', "write-out"),
    ('x', "proxy"),
    ('X', "request"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    (':', "next"),
];

/// Whether a long option takes a value.
pub(super) fn takes_value(name: &str) -> bool {
    WITH_VALUE.split_whitespace().any(|known| known == name)
}

/// Long form of a short option; empty if it does not matter for an import.
pub(super) fn long(letter: char) -> &'static str {
    SHORT
        .iter()
        .find(|(short, _)| *short == letter)
        .map_or("", |(_, long)| long)
}
