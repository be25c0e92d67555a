access-sign-in = Sign in
access-sign-out = Sign out
access-name = User name
access-password = Password
access-municipality = Municipality
access-sign-in-wrong = User name and password do not belong together. Please try again.
access-sign-in-often = There were many failed attempts. Please try again in { $seconds } seconds.
access-demo = This is a demonstration. Accounts: operator, desk, unit, supervisor, auditor, admin. The password of all of them: demo.

access-set-up-title = Choose a password
access-set-up-lead = You are setting the password of the account “{ $name }”. This link works only once.
access-set-up-button = Save password
access-new-password = New password
access-old-password = Current password
access-password-again = New password, once more
access-password-hint = At least 10 characters. A sentence of a few words is safe and easy to remember.
access-password-short = The password needs at least 10 characters
access-password-long = The password can have 256 characters at most
access-password-name = The password cannot be the user name
access-password-differs = The two passwords are not the same
access-password-old = The current password is not right
access-link-title = This link is not valid
access-link-text = It was used, it has expired, or a part of it is missing. Ask your administrator for a new one.

access-account = My account
access-roles = Roles
access-unit = Unit
access-change-password = Change password
access-sessions = Open sessions
access-session-began = Began
access-session-ends = Ends at the latest
access-session-this = this session
access-session-end = End session
access-sessions-end = End all my sessions

access-role-operator = Call operator
access-role-desk = Desk
access-role-unit = Unit staff
access-role-supervisor = Supervisor
access-role-auditor = Auditor
access-role-admin = Administrator

access-admin = Administration

access-ended-title = You are signed out
access-ended-text = Your session has ended, so what you sent was not carried out. Sign in in another tab, then go back from this page and send it again.
access-forbidden-title = This page is not open to you
access-forbidden-text = Your role does not cover this page or this action. If you need it, talk to your administrator.
access-foreign-title = The form was not accepted
access-foreign-text = It does not seem to come from a page of this session, and nothing was done. Go back, reload the page and send it again.
access-large-title = Too large
access-large-text = The files you sent are too large. Please try again with smaller ones.
access-often-title = Please wait a moment
access-often-text = Too many requests came within a short time. Please try again in a moment; what you typed is still there when you go back.
