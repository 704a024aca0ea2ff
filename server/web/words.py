"""The words that the pages' scripts say; each page carries its own, in its own language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server.web import evidence_words

Words = Mapping[str, Promise]

SPOKEN_EVERYWHERE: Words = {
    "unreachable": _("The server cannot be reached. Check your connection, then try again."),
    "unexpected": _("The server gave an answer that this page does not understand (status {status}). Try again."),
    "signed_out": _("You have been signed out. Reload the page and sign in again; what you wrote is kept."),
    "try_again": _("Try again"),
    "copy": _("Copy"),
    "copied": _("Copied"),
    "comma": _(", "),
    "shortened": _("{text}… ({count} more characters)"),
}

MAKE: Words = {
    **SPOKEN_EVERYWHERE,
    "prompt_missing": _("Say what the picture should show."),
    "seed_invalid": _("A seed is a whole number from 0 to 9223372036854775807."),
    "number_invalid": _("This is not a number."),
    "fix_first": _("Some of the form needs your attention first."),
    "sending": _("Sending your request…"),
    "sending_again": _("No answer yet; sending the same request again…"),
    "queued": _("Waiting for its turn…"),
    "starting": _("Getting ready to draw…"),
    "step": _("Drawing: step {step} of {of}"),
    "marking": _("Marking and signing…"),
    "reconnecting": _("The connection was lost; connecting again. Your picture goes on being made."),
    "cancel": _("Cancel"),
    "cancelling": _("Cancelling after this step…"),
    "cancel_failed": _("Could not be cancelled: {reason}"),
    "done_title": _("Done"),
    "done_announced": _("Done. Your picture and its colophon are ready."),
    "refused_title": _("Refused"),
    "refused_lead": _("Nothing was made. The refusal is recorded, with its reasons:"),
    "failed_title": _("Not finished"),
    "failed_lead": _("No picture was made."),
    "cancelled_title": _("Cancelled"),
    "cancelled_lead": _("You called this request off. No picture was made."),
    "not_found": _("There is no such request of yours."),
    "preview_alt": _("Preview after step {step}"),
    "picture_alt": _("Made from the prompt: {prompt}"),
    "picture_alt_private": _("Picture whose prompt is not disclosed"),
    "choose_picture": _("Picture {number} of {of}, seed {seed}"),
    "colophon_by": _("Made by {who} on {when} with {model}, from seed {seed}."),
    "colophon": _("Made on {when} with {model}, from seed {seed}."),
    "download": _("Download"),
    "download_bundle": _("With credits and record"),
    "verify_this": _("Verify this picture"),
    "owed": _("What its licences ask of you"),
    "price_owed": _("Pay {each} for each picture to {who}. Colophon records the debt; it neither collects nor pays."),
    "price_owed_unnamed": _(
        "Pay {each} for each picture to those whose works it stands on. Colophon records the debt; it neither collects "
        "nor pays."
    ),
    "cost": _("This will cost {total}: {each} for each picture."),
    "cost_prompt": _("a picture"),
    "nothing_owed": _("Its licences ask nothing of you."),
    "rights_note": _("Whether copyright exists in this picture depends on the country and on what you contributed."),
    "particulars": _("Particulars"),
    "fact_prompt": _("Prompt"),
    "fact_negative": _("Left out"),
    "fact_disclosure": _("Prompt in the file"),
    "disclosure_public": _("public: it stands in every copy"),
    "disclosure_committed": _("committed: the file holds only a seal of it"),
    "disclosure_private": _("private: the file says nothing of it"),
    "fact_model": _("Model"),
    "fact_basis": _("Licence basis"),
    "fact_drawn": _("Drawn"),
    "drawn": _("{width} × {height} pixels, {steps} steps, guidance {guidance}"),
    "fact_file": _("File"),
    "fact_manifest": _("Manifest"),
    "fact_entry": _("Log entry of the request"),
    "fact_generation": _("Request"),
    "notes": _("Notes"),
    "recent_loading": _("Looking for your pictures…"),
    "recent_empty": _("Nothing yet. The pictures that you make are kept here."),
    "recent_failed": _("Your pictures could not be loaded."),
    "recent_private": _("prompt not disclosed"),
    "recent_count": _("{count} pictures"),
    "more_suggestions": _("Other ideas"),
}

REPORT: Words = {
    **evidence_words.NAMES,
    **evidence_words.VALUES,
    "record_sure": _("How sure"),
    "kind_model": _("model: {name}"),
    "kind_style": _("style: {name}"),
    "kind_adapter": _("adapter: {name}"),
    "kind_work": _("work: {name}"),
    "kind_image": _("image: {name}"),
    "training_known": _("Its training pictures are known, every one."),
    "training_licensed_by_statement": _(
        "Its maker states that its training pictures were licensed. That statement was not checked here."
    ),
    "training_undisclosed": _("Its maker does not say what it was trained on."),
    "setting_size": _("{width} × {height} pixels"),
    "setting_steps": _("{value} steps"),
    "setting_guidance_scale": _("guidance {value}"),
    "setting_scheduler": _("scheduler {value}"),
    "setting_batch_size": _("drawn {value} at a time"),
    "setting_quality": _("quality {value}"),
    "setting_strength": _("strength {value}"),
    "task_text_to_image": _("drawn from words"),
    "task_image_to_image": _("drawn over a picture"),
    "task_inpainting": _("drawn into a picture"),
    "layer_possible": _("what it looks like: a possible copy, which no second method has confirmed"),
    "meaning_elsewhere": _(
        "This site fetches only from addresses that its operator allows. Ask whoever gave you the file for a copy with "
        "its credentials inside."
    ),
    "unnamed": _("an unnamed picture"),
    "action_edited_metadata": _("metadata edited"),
    "meaning_recorded": _("The file itself no longer says where it comes from. The records here do: see below."),
    "meaning_alike": _(
        "The file itself says nothing of where it comes from. The records here know the picture that it looks like: "
        "see below."
    ),
    "making_recorded_otherwise": _(
        "Yes: the records here hold it as a generated picture. Its own credentials state otherwise."
    ),
    "making_alike": _("The records here hold the picture that it looks like as a generated one."),
    "ingredient_broken": _("changed before it was used"),
    "fetching_record": _("Looking the picture up…"),
    "mark_trusted": _("credentials intact"),
    "mark_untrusted": _("credentials intact, signer unknown here"),
    "mark_failed": _("something does not hold"),
    "mark_no_manifest": _("no credentials in the file"),
    "mark_unreadable": _("not readable"),
    "meaning_development": _(
        "Nothing in the file differs from what was signed. The certificate is one that an installation made for "
        "itself: this site knows it, and nobody else vouches for it."
    ),
    "meaning_trusted": _(
        "Nothing in the file differs from what was signed, and the signer is one that this site trusts. "
        "Whether the statements are true is for the signer to answer."
    ),
    "meaning_untrusted": _(
        "Nothing in the file differs from what was signed. But this site does not know the signer: "
        "anyone can make a certificate in any name."
    ),
    "meaning_possible": _(
        "The file itself says nothing of where it comes from. The pictures that it may be a copy of are listed below, "
        "the nearest first, each with how sure that is."
    ),
    "meaning_failed_manifest_integrity": _(
        "What was changed, when and by whom cannot be told: the credentials may have been taken from another picture, "
        "and an app that merely saves a picture anew can be the cause too. Do not rely on what they state. If you can, "
        "get the file from where it was first published, and check that copy."
    ),
    "meaning_failed_signature_valid": _(
        "Either the credentials were changed after they were signed, or whom they name never signed them. Neither says "
        "anything about the picture itself."
    ),
    "meaning_failed_manifest_present": _(
        "They were damaged on the way, or written in a way that is not understood here. That says nothing about the "
        "picture itself. If you can, get the file again, and check that copy."
    ),
    "meaning_failed_signer_not_expired": _(
        "A certificate is good for a set time only, and no trusted timestamp shows that this signature was made in "
        "time. Whether it was can no longer be told."
    ),
    "meaning_failed_ingredient": _(
        "The fault lies in what the picture was made from; the first of the checks below names it."
    ),
    "meaning_failed_record_agrees": _(
        "The records here hold this picture, and what its credentials state is something else. Somebody may have put "
        "other credentials on it. The first of the checks below shows both side by side."
    ),
    "meaning_failed": _(
        "At least one check does not hold; it stands first in the list of checks below, with what it rests on."
    ),
    "meaning_no_manifest": _(
        "Credentials get lost when a picture is saved anew, sent through an app, or photographed from a "
        "screen. Without them nothing can be told about how it was made."
    ),
    "meaning_unreadable": _("PNG, JPEG, WebP and AVIF pictures are read. Check the file as you first got it."),
    "meaning_other_kind": _(
        "If you have the picture in one of those kinds as you first got it, check that. If you save it anew as one of "
        "them, its credentials are lost, but the records here are still searched for a picture that looks like it."
    ),
    "mark_ended": _("its certificate has ended"),
    "mark_disputed": _("a dispute is open"),
    "disputed": _("Dispute open"),
    "unread": _("Not read"),
    "see_evidence": _("evidence"),
    "see_evidence_of": _("Evidence: {what}"),
    "in_records": _("In the records here"),
    "credits_recorded": _("Credit, as recorded here"),
    "source_type": _("Kind of making, in code"),
    "making_possible": _(
        "If it is a copy of one of the pictures below: yes, the records here hold each of them as generated."
    ),
    "making_misfit": _("Cannot be told: its credentials do not fit this file."),
    "making_below": _("What they state is shown below, as it stands in the file."),
    "making_unread": _("Cannot be told: the file was not read."),
    "making_unreadable": _("Cannot be told: its content credentials cannot be read."),
    "making_elsewhere": _("Cannot be told: its content credentials are kept elsewhere and were not fetched."),
    "signed_by_unread": _("Not looked for: the file was not read."),
    "signed_by_unreadable": _("Cannot be told: its content credentials cannot be read."),
    "signed_by_elsewhere": _("Cannot be told: its content credentials are kept elsewhere and were not fetched."),
    "record_erased_at": _("Erased at"),
    "record_files": _("For other programs"),
    "record_manifest": _("its content credentials"),
    "record_proof": _("the proof that the log holds it"),
    "record_more": _("{count} more"),
    "trust_development": _("known to this site, and vouched for by nobody else"),
    "trust_passed": _("on this site's list of trusted signers"),
    "trust_failed": _("not on this site's list of trusted signers; the name is what the certificate says"),
    "trust_not_checked": _("not confirmed; the name is what the certificate says"),
    "signed_at": _("Signed at"),
    "making_captured": _("Its credentials name no AI: they state a camera or scanner."),
    "making_drawn": _("Its credentials name no AI: they state software."),
    "making_recorded": _("Yes: the records here hold it as a generated picture."),
    "step_this": _("{who} signed this picture"),
    "step_before": _("Before that: signed by {who}"),
    "step_this_credentials": _("{who} signed these credentials; the file is not as it was then"),
    "step_before_credentials": _("Before that: credentials signed by {who}, under a file that was changed since"),
    "step_this_stated": _("These credentials state that {who} signed them; the signature does not hold"),
    "step_before_stated": _("Before that: credentials that state {who} as their signer; the signature does not hold"),
    "in_brackets": _(" ({text})"),
    "relation_parentOf": _("the picture that it was made over"),
    "relation_componentOf": _("placed in it"),
    "relation_inputTo": _("went into its making"),
    "action_created": _("created"),
    "action_opened": _("opened"),
    "action_edited": _("edited"),
    "action_placed": _("another picture placed in it"),
    "action_cropped": _("cropped"),
    "action_resized": _("resized"),
    "action_resized_proportional": _("resized"),
    "action_color_adjustments": _("colours adjusted"),
    "action_drawing": _("drawn on"),
    "action_filtered": _("filtered"),
    "action_orientation": _("turned"),
    "action_converted": _("saved in another format"),
    "action_transcoded": _("saved in another format"),
    "action_repackaged": _("packed anew"),
    "action_published": _("published"),
    "action_addedText": _("text added"),
    "action_removed": _("parts removed"),
    "action_watermarked_bound": _("watermarked"),
    "action_watermarked": _("watermarked"),
    "action_unknown": _("something unnamed done"),
    "source_trainedAlgorithmicMedia": _("by a generative model"),
    "source_compositeWithTrainedAlgorithmicMedia": _("by a generative model over another picture"),
    "source_compositeSynthetic": _("partly generated"),
    "source_algorithmicMedia": _("by software"),
    "source_digitalCapture": _("with a camera"),
    "source_computationalCapture": _("with a camera"),
    "source_compositeCapture": _("from several photographs"),
    "source_digitalArt": _("drawn digitally"),
    "source_digitalCreation": _("drawn digitally"),
    "source_humanEdits": _("edited by a person"),
    "source_screenCapture": _("a capture of a screen"),
    "unchecked_title": _("Not checked, or nothing to check: {count}"),
    "title": _("Title"),
    "record_page": _("Its page"),
    "record_page_open": _("permanent page of this record"),
    "layer_watermark": _("its watermark"),
    "layer_fingerprint": _("what it looks like"),
    "expert_trust_version": _("Version of the trust lists"),
    "trust_file": _("{name}: {count} certificates, of {date}"),
    "evidence": _("Evidence: {code}"),
    "fields_title": _("Manifest and record side by side"),
    "field": _("Field"),
    "in_manifest": _("In the file"),
    "in_record": _("In the record"),
    "agrees": _("Agrees"),
    "yes": _("yes"),
    "no": _("no"),
    "field_manifest": _("Manifest"),
    "field_generation": _("Request"),
    "field_model": _("Model"),
    "field_model_digest": _("Model's weights"),
    "field_seed": _("Seed"),
    "field_disclosure": _("Prompt in the file"),
    "field_prompt": _("Prompt"),
    "field_prompt_commitment": _("Seal of the prompt"),
    "field_references": _("Made from"),
    "field_inputs": _("Input pictures"),
    "field_made_at": _("Made at"),
    "field_log": _("Log entry of the request"),
    "field_file": _("File digest"),
}

LICENCE: Words = {
    **SPOKEN_EVERYWHERE,
    "taking": _("Taking the offer…"),
    "taken": _("You have the grant. You can make pictures under it now."),
    "asked_for": _("You have asked for the grant. Its rightsholder approves or declines it, and you are told."),
}

VERIFY: Words = {
    **SPOKEN_EVERYWHERE,
    **REPORT,
    "reading": _("Reading {name}…"),
    "fetching": _("Fetching the picture…"),
    "not_yours": _(
        "This picture is not yours to fetch. Download it from whoever gave it to you, then choose the file."
    ),
    "too_large": _("{name} has {size} MB; at most 64 MB are read."),
    "empty_file": _("{name} is empty. Get the file again, then choose it."),
    "one_at_a_time": _("One picture is checked at a time. Choose one, together with its .c2pa file if it has one."),
    "report_ready": _("The verification report is ready."),
    "picture_alt": _("The picture that was checked"),
    "passed": _("Passed"),
    "failed": _("Failed"),
    "not_checked": _("Not checked"),
    "pending": _("Still being checked"),
    "stopped_asking": _(
        "Whether the picture carries a watermark of ours is still being read, and this page has stopped asking. "
        "Check the picture again later."
    ),
    "not_vouched": _("Not vouched for"),
    "checks_counted": _("{passed} passed, {failed} failed, {not_checked} not checked"),
    "counted_not_vouched": _("signer not vouched for"),
    "counted_disputed": _("a dispute is open"),
    "counted_unread": _("the file was not read"),
    "signed_by": _("Signed by"),
    "signed_by_unknown": _("No signature was found."),
    "signer_development": _("a development certificate, made by an installation for itself"),
    "making": _("Made with AI"),
    "making_generated": _("Yes, wholly, its credentials state."),
    "making_composite": _("Yes, over another picture, its credentials state."),
    "making_from_generated": _("Something that it was made from was, its credentials state."),
    "making_edited": _("Yes: it was edited from a generated picture, its credentials state."),
    "making_not_stated": _("Its credentials do not say."),
    "making_unknown": _("Cannot be told: there are no content credentials to say so."),
    "made_at": _("Made at"),
    "made_from": _("Made from"),
    "generator": _("Software"),
    "credits": _("Credit"),
    "prompt": _("Prompt"),
    "negative_prompt": _("Left out"),
    "prompt_committed": _("Committed: the file holds only a seal of it."),
    "prompt_private": _("Kept private by whoever asked for the picture."),
    "model": _("Model"),
    "training": _("Its training, as its maker states"),
    "seed": _("Seed"),
    "settings": _("Settings"),
    "basis": _("Licence basis"),
    "basis_grant": _("a grant"),
    "basis_open-licence": _("an open licence"),
    "basis_own-work": _("own work"),
    "basis_model-licence": _("the model's licence"),
    "basis_public-domain": _("public domain"),
    "inputs": _("Input pictures"),
    "human_contribution": _("A person contributed"),
    "contribution_prompt": _("the prompt"),
    "contribution_selection": _("the selection"),
    "contribution_inputs": _("input pictures"),
    "contribution_retouching": _("retouching"),
    "manifest_title": _("What its content credentials state"),
    "manifest_note": _(
        "These are the signer's statements. The checks say whether they are unchanged, not whether they are true."
    ),
    "manifest_note_failed": _(
        "The checks have found a fault, so do not rely on these statements. They are shown as they stand in the file."
    ),
    "record_title": _("What the records here hold"),
    "record_image": _("Image"),
    "record_form": _("A later form of it"),
    "form_format": _("saved in another format"),
    "form_label": _("with a visible label"),
    "form_crop": _("cropped"),
    "form_resize": _("in another size"),
    "form_retouch": _("edited elsewhere"),
    "form_timestamp": _("with a timestamp added later"),
    "record_made_at": _("Recorded at"),
    "record_layer": _("Found by"),
    "layer_file": _("the file, byte for byte"),
    "layer_manifest": _("its manifest"),
    "layer_pixels": _("its pixels, exactly"),
    "expert_file": _("File digest"),
    "expert_pixels": _("Pixel digest"),
    "expert_size": _("Size"),
    "size_bytes": _("{size} bytes"),
    "expert_type": _("Type"),
    "expert_state": _("C2PA validation state"),
    "expert_library": _("Checked with"),
    "expert_trust": _("Trusted signers"),
    "expert_manifest": _("Manifest"),
    "expert_generation": _("Request"),
    "expert_log": _("Log"),
    "expert_raw": _("Pixels before marks"),
    "expert_certificate": _("Certificate"),
    "certificate_dates": _("issued by {issuer}; in force from {from} to {to}; {algorithm}"),
    "nobody": _("no list was given"),
}
