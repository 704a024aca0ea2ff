"""Signing in on the pages, as often a minute as the API allows it and no more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from server.web.tries import address_of, try_again

MOST_TRIES_A_MINUTE = 20
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class SignInForm(AuthenticationForm):
    """Account name and password."""

    error_messages = {
        "invalid_login": _("No account has this name with this password. Mind capital letters."),
        "inactive": _("This account is closed."),
    }
    username = forms.CharField(
        label=_("Account"),
        max_length=150,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)

    def get_invalid_login_error(self) -> forms.ValidationError:
        """Return the same sentence for an unknown name and a wrong password."""
        return forms.ValidationError(self.error_messages["invalid_login"], code="invalid_login")


class SignIn(LoginView):
    """Lets a person in, and says no to the twenty-first try within a minute."""

    template_name = "web/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell a person on this very machine where the first passwords are."""
        environment = settings.ENVIRONMENT
        is_own_machine = environment.host in LOOPBACK and not environment.public_url
        return super().get_context_data(is_own_machine=is_own_machine, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check name and password; 429 when tried too often from one address or for one name."""
        name = request.POST.get("username", "").strip().casefold()[:150]
        tries = [try_again(f"sign-in {who}", seconds=60) for who in (f"address {address_of(request)}", f"name {name}")]
        if max(tries) > MOST_TRIES_A_MINUTE:
            context = self.get_context_data(form=SignInForm(request), tried_too_often=True)
            return self.render_to_response(context, status=429, headers={"Retry-After": "60"})
        return super().post(request, *args, **kwargs)

