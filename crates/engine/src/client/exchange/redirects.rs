//! Hops: the redirects that a request follows, and the cookies that it takes along.

use brunt_record::FailureKind;
use brunt_scenario::Rendered;
use url::Url;

use super::Exchange;
use crate::client::cookies;
use crate::client::rewrite;
use crate::http1::Answer;
use crate::net::error::Fault;

impl Exchange<'_> {
    /// Sends the request and follows its redirects.
    pub(super) async fn follow(&mut self, rendered: &mut Rendered) -> Result<Answer, Fault> {
        let mut request = rewrite::Request {
            bytes: &mut rendered.bytes,
            head_bytes: rendered.head_bytes,
            cuts: &mut rendered.cuts,
        };
        let (mut origin, _) = self.core.target.host(self.request.host);
        let (mut url, mut hops) = (None, 0);
        let keeps_cookies = self.keeps_cookies();
        loop {
            if keeps_cookies && self.belongings.life.jar.is_some() {
                self.send_cookies(&mut request, url.as_ref());
            }
            let answer = self.send(&mut request, origin).await?;
            if keeps_cookies && cookies::sets_any(&answer.fields) {
                self.take_cookies(&answer, &request, url.as_ref());
            }
            let Some(location) = answer
                .location
                .as_deref()
                .filter(|_| self.request.redirects > 0)
            else {
                return Ok(answer);
            };
            if hops == self.request.redirects {
                let text = format!("redirected more than {hops} times");
                return Err(refused(answer.status, text));
            }
            hops += 1;
            let (next, next_origin) = self
                .redirected(url.as_ref(), request.path(), location)
                .map_err(|text| refused(answer.status, text))?;
            let host = &self.core.target.origins()[next_origin].host_header;
            let host = (next_origin != origin).then_some(host.as_str());
            if !request.redirect(&next, answer.status, host, keeps_cookies) {
                self.uploads.clear();
            }
            (url, origin) = (Some(next), next_origin);
        }
    }

    pub(super) fn keeps_cookies(&self) -> bool {
        !self.core.plan.network.no_cookies && !self.request.says_cookies
    }

    /// Where a request goes: where it was redirected to, or the path of its host.
    fn url_of(&self, path: &str, redirected: Option<&Url>) -> Option<Url> {
        match redirected {
            Some(url) => Some(url.clone()),
            None => self.core.target.host(self.request.host).1.join(path).ok(),
        }
    }

    fn send_cookies(&self, request: &mut rewrite::Request, redirected: Option<&Url>) {
        let url = self.url_of(request.path(), redirected);
        let jar = self.belongings.life.jar.as_ref();
        if let Some(line) = jar.zip(url).and_then(|(jar, url)| jar.line_for(&url)) {
            request.add_line(line.as_bytes());
        }
    }

    fn take_cookies(
        &mut self,
        answer: &Answer,
        request: &rewrite::Request,
        redirected: Option<&Url>,
    ) {
        if let Some(url) = self.url_of(request.path(), redirected) {
            let jar = self.belongings.life.jar.get_or_insert_default();
            let dropped = jar.take(&answer.fields, &url);
            if dropped > 0 {
                self.core.count_cookies_dropped(dropped);
            }
        }
    }

    /// Where an answer redirects to.
    fn redirected(
        &self,
        from: Option<&Url>,
        path: &str,
        location: &[u8],
    ) -> Result<(Url, usize), String> {
        let target = &self.core.target;
        let location = String::from_utf8_lossy(location);
        let from = match from {
            Some(url) => url.clone(),
            None => target
                .host(self.request.host)
                .1
                .join(path)
                .map_err(|_| "the path is no URL".to_owned())?,
        };
        let next = from
            .join(&location)
            .map_err(|_| format!("the answer redirects to `{location}`, which is no URL"))?;
        match target.origin_of(&next) {
            Some(origin) => Ok((next, origin)),
            None => Err(format!(
                "the answer redirects to another host, {}, which the scenario does not name in \
                 redirect_hosts",
                next.origin().ascii_serialization()
            )),
        }
    }
}

fn refused(status: u16, text: String) -> Fault {
    Fault {
        code: status,
        ..Fault::new(FailureKind::Redirect, text)
    }
}
