//! A connection to an origin, of either HTTP version.

use crate::http::outgoing_request::OutgoingRequest;
use crate::http::request_context::{Delivery, RequestContext, RequestTimings};
use crate::http::response::ResponseOptions;
use crate::http::{Response, ResponseVersion};
use crate::http1::connection::Http1Connection;
use crate::http2::Http2Connection;
use crate::net::error::RequestError;

pub(crate) enum Connection {
    Http1(Http1Connection),
    Http2(Http2Connection),
}

impl Connection {
    pub(crate) fn origin(&self) -> usize {
        match self {
            Self::Http1(connection) => connection.origin,
            Self::Http2(connection) => connection.origin(),
        }
    }

    /// HTTP version of its requests.
    pub(crate) fn version(&self) -> ResponseVersion {
        match self {
            Self::Http1(_) => ResponseVersion::Http11,
            Self::Http2(_) => ResponseVersion::Http2,
        }
    }

    /// Whether the server has closed it.
    #[inline]
    pub(crate) fn is_stale(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_stale(),
            Self::Http2(connection) => connection.is_over(),
        }
    }

    /// Whether it has received a response.
    #[inline]
    pub(crate) fn was_used(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.responses > 0,
            Self::Http2(connection) => connection.was_used(),
        }
    }

    /// Whether it can be reused after an exchange.
    #[inline]
    pub(crate) fn is_kept(&self, exchanged: &Result<Response, RequestError>) -> bool {
        match self {
            Self::Http1(_) => exchanged.as_ref().is_ok_and(|response| response.keep_alive),
            // An error on one stream does not affect the other streams.
            Self::Http2(connection) => !connection.is_over(),
        }
    }

    /// Sends a request and receives its response.
    #[inline]
    pub(crate) async fn exchange(
        &mut self,
        context: RequestContext<'_>,
        request: OutgoingRequest<'_>,
        options: ResponseOptions,
        timings: &mut RequestTimings,
    ) -> (Result<Response, RequestError>, Delivery) {
        match self {
            Self::Http1(connection) => {
                connection
                    .exchange(context, request, options, timings)
                    .await
            }
            Self::Http2(connection) => {
                connection
                    .exchange(context, request, options, timings)
                    .await
            }
        }
    }
}
