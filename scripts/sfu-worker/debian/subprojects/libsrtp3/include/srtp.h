// The part of libsrtp3's interface that the worker uses, over Debian's libsrtp2.
//
// Two things differ: a policy is an opaque handle there and a plain struct here, and packets are (un)protected from an input
// into an output buffer there and in place here.
#pragma once
#include <srtp2/srtp.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

inline constexpr srtp_err_status_t srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
inline constexpr srtp_err_status_t srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

namespace srtp3
{
	struct Policy
	{
		::srtp_policy_t policy{};
		unsigned char key[SRTP_MAX_KEY_LEN]{};
	};
} // namespace srtp3

// From here on the name means libsrtp3's handle.
#define srtp_policy_t srtp3::Policy*

inline srtp_err_status_t srtp_policy_create(srtp3::Policy** policy)
{
	*policy = new (std::nothrow) srtp3::Policy();

	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

inline void srtp_policy_destroy(srtp3::Policy* policy)
{
	if (policy)
	{
		// Through a volatile pointer: keys must not stay in freed memory, and a plain memset() before delete is optimised away.
		volatile unsigned char* key = policy->key;

		for (size_t i{ 0 }; i < sizeof(policy->key); ++i)
		{
			key[i] = 0;
		}

		delete policy;
	}
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp3::Policy* policy, srtp_ssrc_t ssrc)
{
	policy->policy.ssrc = ssrc;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp3::Policy* policy, srtp_profile_t profile)
{
	const auto err = srtp_crypto_policy_set_from_profile_for_rtp(&policy->policy.rtp, profile);

	return err ? err : srtp_crypto_policy_set_from_profile_for_rtcp(&policy->policy.rtcp, profile);
}

inline srtp_err_status_t srtp_policy_add_key(
  srtp3::Policy* policy,
  const uint8_t* key,
  size_t keyLen,
  const uint8_t* salt,
  size_t saltLen,
  const uint8_t* /*mki*/,
  size_t mkiLen)
{
	// The worker never uses a master key identifier.
	if (mkiLen != 0 || keyLen + saltLen > sizeof(policy->key))
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(policy->key, key, keyLen);
	std::memcpy(policy->key + keyLen, salt, saltLen);

	policy->policy.key = policy->key;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp3::Policy* policy, bool allow)
{
	policy->policy.allow_repeat_tx = allow ? 1 : 0;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp3::Policy* policy, size_t size)
{
	policy->policy.window_size = size;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_create(srtp_t* session, srtp3::Policy* policy)
{
	return srtp_create(session, static_cast<const decltype(policy->policy)*>(&policy->policy));
}

inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	// Both take the SSRC in network byte order.
	return srtp_remove_stream(session, ssrc);
}

// `trailer`: the most bytes that the operation appends, so that working in place cannot run past the output buffer.
#define EDDY_SRTP3_FUNCTION(name, trailer, ...)                                                                        \
	inline srtp_err_status_t name(                                                                                        \
	  srtp_t session, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen __VA_ARGS__)                         \
	{                                                                                                                     \
		if (*outLen < inLen + (trailer))                                                                                     \
		{                                                                                                                    \
			return srtp_err_status_buffer_small;                                                                                \
		}                                                                                                                    \
		if (in != out)                                                                                                       \
		{                                                                                                                    \
			std::memcpy(out, in, inLen);                                                                                        \
		}                                                                                                                    \
		int len        = static_cast<int>(inLen);                                                                            \
		const auto err = name(session, static_cast<void*>(out), &len);                                                       \
		if (!err)                                                                                                            \
		{                                                                                                                    \
			*outLen = static_cast<size_t>(len);                                                                                 \
		}                                                                                                                    \
		return err;                                                                                                          \
	}
EDDY_SRTP3_FUNCTION(srtp_protect, SRTP_MAX_TRAILER_LEN, , size_t /*mki*/)
EDDY_SRTP3_FUNCTION(srtp_protect_rtcp, SRTP_MAX_TRAILER_LEN + sizeof(uint32_t), , size_t /*mki*/)
EDDY_SRTP3_FUNCTION(srtp_unprotect, 0)
EDDY_SRTP3_FUNCTION(srtp_unprotect_rtcp, 0)
#undef EDDY_SRTP3_FUNCTION
